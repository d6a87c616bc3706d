"""Sight writes the ledger: what was decided, and what the guard says happened at the door."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge.clock import now
from edge.errors import LedgerError
from edge.records import Event, EventKind, Reason
from edge.vocabulary import GRANTS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edge.ledger.ledger import Ledger
    from edge.ledger.reserve import Reserve
    from edge.moment import Moment
    from edge.wire.messages import Detail

log = logging.getLogger(__name__)

RETRY_S = 2.0
"""Between two tries to write to a ledger that failed."""
_LATE = 500
"""Newest events that `newest_of` looks at: a lock that has not moved in them has long fallen."""


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be written, before it has a clock's time and a number."""

    kind: EventKind
    reason: Reason
    at: float | None = None
    """When it happened, monotonic seconds; None: now."""
    person: str | None = None
    detail: Detail = field(default_factory=dict)

    def stamped(self, moment: Moment, device: str) -> Event:
        """The event that it is."""
        happened = moment.at if self.at is None else self.at
        return Event(
            kind=self.kind,
            reason=self.reason,
            at=happened,
            wall=moment.wall - (moment.at - happened),
            wall_trusted=moment.wall_trusted,
            device=device,
            person=self.person,
            detail=self.detail,
        )


class Journal:
    """Stamps events with both clocks and writes them durably.

    A ledger that fails is told once and tried again; until it works, `ready` is False and nothing
    may be granted.
    """

    def __init__(self, ledger: Ledger, device: str, reserve: Reserve | None = None) -> None:
        """`reserve`: room on the disk that denials may have when there is no other."""
        self._ledger = ledger
        self._device = device
        self._reserve = reserve
        self.trouble = ""
        """Why the last write failed; empty when it did not."""
        self._retry_at = 0.0
        if reserve is not None and not reserve.hold():
            log.warning("the disk has no room to hold back for denials")

    @property
    def ready(self) -> bool:
        """Whether the last write succeeded."""
        return not self.trouble

    def require(self) -> None:
        """See that what is to be done can be written down.

        Raises:
            LedgerError: the last write failed, and none has succeeded since.
        """
        if self.trouble:
            raise LedgerError(self.trouble)

    def note(
        self,
        kind: EventKind,
        reason: Reason,
        *,
        at: float | None = None,
        person: str | None = None,
        states: Mapping[str, str] | None = None,
        detail: Detail | None = None,
    ) -> bool:
        """Write one event; True when it is on the disk.

        Args:
            kind: What it is about.
            reason: Why.
            at: When it happened, monotonic seconds; None: now.
            person: Who, if known.
            states: Last known states that change with it, in the same transaction.
            detail: Figures and short texts.
        """
        return self._note(Entry(kind, reason, at, person, detail or {}), states)

    def _note(self, entry: Entry, states: Mapping[str, str] | None) -> bool:
        try:
            self.write(entry, states)
        except LedgerError as error:
            self._failed(error)
            # What lets nobody in is worth the last room there is; `ready` stays False.
            if entry.reason in GRANTS or self._reserve is None or not self._reserve.release():
                return False
            return self._note(entry, states)
        return True

    def write(self, entry: Entry, states: Mapping[str, str] | None = None) -> None:
        """As `note`, for who must hear why not.

        Raises:
            LedgerError: it could not be written.
        """
        self._append([entry], states or {})

    def note_all(self, entries: Sequence[Entry], states: Mapping[str, str]) -> bool:
        """Write what happened at one time, none of it a grant, by one sync; True when it is done.

        Without entries the states alone are kept: they show, and are durable with the next event.
        """
        try:
            if entries:
                self._append(entries, states)
            elif states:
                self._ledger.put_states(states)
        except LedgerError as error:
            self._failed(error)
            if self._reserve is None or not self._reserve.release():
                return False
            return self.note_all(entries, states)
        return True

    def _append(self, entries: Sequence[Entry], states: Mapping[str, str]) -> None:
        moment = now()
        events = [entry.stamped(moment, self._device) for entry in entries]
        self._ledger.append_all(events, states)

    def keep(self, states: Mapping[str, str]) -> bool:
        """Write states that only show, for which the reserve is not; whether it went well."""
        try:
            self._ledger.put_states(states)
        except LedgerError as error:
            self._failed(error)
            return False
        return True

    def state(self, name: str) -> str | None:
        """A sealed state, or None.

        Raises:
            LedgerError: the ledger cannot be read, or another hand wrote there.
        """
        return self._ledger.sealed().get(name)

    def newest_of(self, *reasons: Reason) -> Reason | None:
        """Which of these is the newest in the record; None: none of late.

        Raises:
            LedgerError: the ledger cannot be read.
        """
        late = self._ledger.events(limit=_LATE, newest_first=True)
        return next((each.event.reason for each in late if each.event.reason in reasons), None)

    def retry(self) -> None:
        """See that the ledger stands; try one that failed once more, when it is time."""
        if self.ready:
            try:
                self._ledger.stand()
            except LedgerError as error:
                self._failed(error)
        elif time.monotonic() >= self._retry_at and self._works():
            self.trouble = ""
            log.warning("the ledger works again")

    def _works(self) -> bool:
        if self._reserve is not None and not self._reserve.hold():
            self._retry_at = time.monotonic() + RETRY_S
            return False
        return self.note(EventKind.SYSTEM, Reason.LEDGER_BACK)

    def _failed(self, error: LedgerError) -> None:
        if self.ready:
            log.error("nothing is granted until the ledger works again: %s", error)
        self.trouble = str(error)
        self._retry_at = time.monotonic() + RETRY_S
