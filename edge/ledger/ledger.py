"""The one face of the event ledger: what happened, what to remember, the last known states."""

from __future__ import annotations

import itertools
import json
import logging
import math
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

from edge.config.ledger import LedgerSection
from edge.errors import LedgerError
from edge.files import sync_folder
from edge.ledger.audit import MEND, Audit
from edge.ledger.tables import SCHEMA
from edge.store import Store
from edge.words import counted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from typing_extensions import Self

    from edge.ledger.seal import Seal
    from edge.records import Event, StoredEvent

_log = logging.getLogger(__name__)

CAPACITY = LedgerSection().keep_events
"""Events kept where nothing else is said, and a few more until they are cut. Ten thousand: 5 MB."""
_DAY_S = 86_400.0
_SHARE_CUT = 0.05
"""Of the events, beyond those that are too many: so that it is seldom done."""

ANCHOR_EVERY = 64
"""Entries between two writings of the anchor: an older copy that ends before it is refused."""

SEALED = frozenset(
    {
        "commanded_mode",
        "commands",
        "doubts",
        "lockout",
        "meant",
        "operators",
        "people_changes",
        "people_intended",
        "people_restored",
        "seal_key",
        "seal_version",
        "release_version",
        "release_before",
        "wall",
    }
)
"""The states that sight obeys. They stand in the sealed head row, and change with an event."""


class Ledger:
    """An open event ledger. One thread; any number of processes.

    What was appended is on the disk when that returns. The newest `capacity` events are kept:
    older ones are cut, delivered or not, so that the file stays bounded.

    Every method raises LedgerError, with what to do, when the file cannot be used.
    """

    def __init__(
        self, store: Store, device: str, seal: Seal | None = None, capacity: int = CAPACITY
    ) -> None:
        self._store = store
        self._seal = seal
        self._audit = Audit(store, device, seal)
        self._unanchored = 0
        self.capacity = capacity
        """Events kept."""
        self.keep_days = 0.0
        """How old they may get; 0: as they like."""
        self.keep_bytes = 0.0
        """How many bytes they may take; 0: as they like."""
        self.boot = secrets.token_hex(8)
        """Names this start of the program in the events that it writes."""

    @staticmethod
    def require_not_newer(db: Path) -> None:
        """See that no newer edge-door has written there. Raises LedgerError."""
        Store.require_not_newer(db, SCHEMA)

    @classmethod
    def open(
        cls,
        path: Path,
        device: str,
        seal: Seal | None = None,
        *,
        read_only: bool = False,
        accept: bool = False,
        capacity: int = CAPACITY,
    ) -> Self:
        """Open the ledger of `device`, or begin it. With the device's `seal` to write there.

        `accept` takes one that is older, changed or begun anew, for someone who means it.

        Raises:
            LedgerError: the file is damaged, of another device, or newer than this edge-door;
                another hand wrote there, or it is older than what this device has seen.
        """
        store = Store.open(path, SCHEMA, read_only=read_only)
        ledger = cls(store, device, seal, capacity)
        try:
            with store.snapshot() if read_only else store.transaction():
                ledger._audit.begin(read_only=read_only)
                if accept:
                    ledger._audit.adopt()
                elif seal is not None and not read_only:
                    ledger._take_up(seal)
            if accept:
                ledger._keep_anchor()
        except BaseException:
            store.close()
            raise
        return ledger

    def append(self, event: Event, states: Mapping[str, str] | None = None) -> StoredEvent:
        """Write an event, and the states that it brought, in one transaction."""
        return self.append_all([event], states)[0]

    def append_all(
        self, events: Sequence[Event], states: Mapping[str, str] | None = None
    ) -> list[StoredEvent]:
        """Write some events, at least one, and the states that they brought, in one transaction."""
        self._store.stand()
        states = states or {}
        sealed = {name: value for name, value in states.items() if name in SEALED}
        with self._store.transaction():
            self._audit.make_room(len(events), self.capacity)
            stored = [self._audit.append(event, self.boot, sealed) for event in events]
            self._put({name: value for name, value in states.items() if name not in SEALED})
        self._audit.committed(stored[-1])
        self._unanchored += len(events)
        if self._unanchored >= ANCHOR_EVERY:
            try:
                self._tidy(events[-1])
            except LedgerError as error:  # the events are written, whatever those of long ago are
                _log.warning("what is too old or too much stays for now: %s", error)
            with suppress(LedgerError):  # the next event tries again
                self._keep_anchor()
        return stored

    def put_states(self, states: Mapping[str, str]) -> None:
        """Set the last known value of each name, none of them sealed.

        They only show, so a sync of their own would wear the card for nothing: they are on the
        disk with the next event.
        """
        with self._store.transaction(durable=False):
            self._put(states)

    def states(self) -> dict[str, str]:
        """The last known value of every name that is not sealed: for showing, not for obeying."""
        return dict(self._store.query("SELECT name, value FROM states"))

    def sealed(self) -> dict[str, str]:
        """The last value of every sealed name; nobody but this device wrote it."""
        with self._store.snapshot():
            return self._audit.remembered()

    def unchecked(self) -> dict[str, str]:
        """The sealed states as they stand there, for who cannot check the seal: a first look."""
        try:
            return dict(json.loads(self._audit.head().memory))
        except (ValueError, TypeError) as error:
            raise LedgerError(f"The sealed states of {self._store.path} are damaged.") from error

    def events(
        self, after: int = 0, limit: int = 100, *, newest_first: bool = False
    ) -> list[StoredEvent]:
        """Events with a number above `after`."""
        return self._audit.events(after, limit, newest_first=newest_first)

    def written(self) -> int:
        """The number of the newest event."""
        return self._audit.head().sequence

    def dropped(self) -> int:
        """The number of the newest event that was cut to make room."""
        return self._audit.head().anchor_sequence

    def public_key(self) -> bytes:
        """Raw Ed25519 public key that the events are signed with; empty while they are not."""
        return self._audit.public()

    def stand(self) -> None:
        """See that the open file is still the one of its name, and as this device left it."""
        self._store.stand()

    def changed(self) -> bool:
        """Whether another process has written since the last call (or since opening)."""
        return self._store.changed()

    def verify(self, public: bytes | None = None, *, thorough: bool = False) -> list[str]:
        """Check the file and the whole chain: a sentence for what is wrong, none when whole.

        `public`: the raw key that must have signed; None: the seal's, or the one the ledger names.
        `thorough`: look at every signature, not at the newest alone.
        """
        if public is None and self._seal is not None:
            public = self._seal.public
        with self._store.snapshot():
            return self._store.check() or self._audit.verify(public, thorough=thorough)

    def older(self) -> list[str]:
        """A sentence when this is an older copy of the ledger; none otherwise."""
        known = self._seal.read_anchor() if self._seal else None
        if known is None or self._audit.holds(*known):
            return []
        return [f"It ends before entry {known[0]}, which this device has written: an older copy."]

    def backup(self, target: Path) -> None:
        """Copy the ledger into a new file."""
        self._store.backup(target)

    def restore_to(self, path: Path) -> Path:
        """Put a copy of this ledger at `path`; where what lay there is kept."""
        kept = next(
            name
            for number in itertools.count(1)
            if not (name := path.with_name(f"{path.name}.replaced-{number}")).exists()
        )
        fresh = path.with_name(f"{path.name}.restored")
        fresh.unlink(missing_ok=True)
        self._store.backup(fresh)
        for suffix in ("", "-wal", "-shm"):  # the log of what lay there must not meet the new file
            with suppress(FileNotFoundError):
                path.with_name(path.name + suffix).rename(kept.with_name(kept.name + suffix))
        fresh.rename(path)
        sync_folder(path.parent)
        return kept

    def close(self) -> None:
        """Close the file. May be called twice."""
        if self._unanchored:
            with suppress(LedgerError):  # the anchor before stands, and the next start goes on
                self._keep_anchor()
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _tidy(self, newest: Event) -> None:
        """Keep to the age and the bytes that are wanted, now and then."""
        with self._store.transaction():
            if self.keep_days and newest.wall_trusted:
                self._audit.cut_to(self._audit.last_before(newest.wall - self.keep_days * _DAY_S))
            used = self._store.used_bytes()
            if self.keep_bytes and used > self.keep_bytes:
                row, over = self._audit.head(), 1 - self.keep_bytes / used + _SHARE_CUT
                few = math.ceil((row.sequence - row.anchor_sequence) * over)
                self._audit.cut_to(row.anchor_sequence + few)

    def _take_up(self, seal: Seal) -> None:
        """Seal a ledger that never was; refuse one that is not as this device left it."""
        known, row = seal.read_anchor(), self._audit.head()
        seen = known[0] if known else 0
        if seen and not row.sequence:
            raise LedgerError(
                f"{self._store.path} was begun anew, but this device wrote "
                f"{counted(seen, 'event')}. {MEND}"
            )
        if not seen and not row.mac:
            self._audit.adopt()
        self._audit.own_head()
        if known is None:
            self._unanchored = ANCHOR_EVERY
        elif not self._audit.holds(*known):
            raise LedgerError(
                f"{self._store.path} ends before entry {known[0]}, which this device has written: "
                f"an older copy was put back. {MEND}"
            )

    def _keep_anchor(self) -> None:
        # Under the write lock, so that two writers cannot set it back; after the commit, so that
        # it never knows what a power cut takes away.
        if self._seal is not None:
            with self._store.transaction():
                row = self._audit.own_head()
                self._seal.write_anchor(row.sequence, row.chain)
        self._unanchored = 0

    def _put(self, states: Mapping[str, str]) -> None:
        for name, value in states.items():
            self._store.query("INSERT OR REPLACE INTO states VALUES (?, ?)", (name, value))
