"""Updates: a signed bundle put in force as a whole, tried before and after, and taken back.

Old or new at every moment: files are written beside the old ones, one rename of a link changes all
of them, and last of all the version is noted in the ledger's sealed states. Who is cut short
between the two finds the note made up for at the next start; what fails before it is taken back.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from edge.believed import read_ordinary
from edge.bundle import CONFIG, MODELS, config_name, read_bundle
from edge.errors import EdgeDoorError, LedgerError, SealError, UsageError, reason_of
from edge.ops.owner import acting_as_owner
from edge.ops.releases import Releases
from edge.ops.selftest import selftest_apart
from edge.owner import forget_owner, known_owner, remember_owner
from edge.records import EventKind, Reason
from edge.sealing import digest
from edge.sight.journal import Entry, Journal
from edge.sight.sealed_ledger import open_ledger
from edge.sight.seals import BEFORE, KEY, RELEASE, VERSION, note_release, release_seal, seal_path
from edge.vault.vault import require_begun

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from edge.bundle import Bundle
    from edge.config import Config
    from edge.wire.messages import Detail

    Test = Callable[[Path, Path, str], None]


def verify_release(config: Config) -> tuple[int, int]:
    """Compare the release in force with its seal: its version (0: none), and how many files it has.

    Raises:
        SealError: a file is not what was signed, or the seal is not by the key known here.
        LedgerError, VaultError: as `open_ledger`.
    """
    if not config.paths.release.is_symlink():
        return 0, 0
    with acting_as_owner(config.paths.state), open_ledger(config, read_only=True) as ledger:
        key = ledger.sealed().get(KEY)
    seal = release_seal(config, key)
    if seal is None:
        return 0, 0
    mine = config_name(config.device.id)
    own = [name for name in seal.files if name == mine or not name.startswith(f"{CONFIG}/")]
    for name in own:
        path = config.paths.release / name
        try:
            content = read_ordinary(path)
        except OSError as error:
            raise SealError(f"{path} cannot be read: {reason_of(error)}.") from error
        if digest(content) != seal.files[name]:
            raise SealError(f"{path} is not what was signed.")
    return seal.version, len(own)


class Updates:
    """Of one door. Every method raises LedgerError and VaultError as `open_ledger` does."""

    def __init__(self, config: Config, config_path: Path, test: Test = selftest_apart) -> None:
        """`test` is given the configuration's path, a release's folder and the owner's key."""
        self._config = config
        self._path = config_path.absolute()
        self._test = test
        self._releases = Releases(config.paths.release)

    def examine(self, content: bytes, trust: str | None = None) -> Bundle:
        """Check that this door may take a bundle.

        Args:
            content: The bundle.
            trust: Base64 public key to believe, on a door that knows none.

        Raises:
            SealError: it is damaged, changed, another's, too old, or not for this door.
            UsageError: the door knows no key, or `trust` names another than the one it knows.
        """
        states = self._states()
        key = states.get(KEY, trust)
        if key is None:
            raise UsageError(
                "this door knows nobody's key yet. Name the public key of whom it should believe "
                "with --trust, or seal its files first with `edge-door seal`."
            )
        if trust not in (None, key):
            raise UsageError(f"this door believes another key already: {key}.")
        bundle = read_bundle(content, key)
        version, current = bundle.seal.version, self._releases.current()
        seen = int(states.get(RELEASE, 0))
        if version <= current or version < seen:  # the one that was seen may come back
            raise SealError(
                f"the bundle is version {version}, and this door has {max(current, seen)} in "
                "force: it takes newer ones only (`edge-door update make --version`). `edge-door "
                "update undo` goes back one."
            )
        sealed, own = int(states.get(VERSION, 0)), self._config.device.id in bundle.doors
        if own and version < sealed:
            raise SealError(
                f"the bundle is version {version}, and this door's configuration was sealed later, "
                f"as version {sealed}, which would count: make it again (`edge-door update make "
                "--version`)."
            )
        if not own and self._releases.leads_here(self._path):
            raise SealError(
                f"the configuration of {self._config.device.id} comes with its bundles, and there "
                "is none of it in this one: make it again with --door."
            )
        if KEY not in states and MODELS not in bundle.parts:
            raise SealError(
                "the models installed here were never sealed, and this bundle brings none: make it "
                "again with --models."
            )
        return bundle

    def apply(self, content: bytes, trust: str | None = None) -> Bundle:
        """Put a bundle in force.

        Raises:
            UpdateError: it fails its self-test, so what was in force still is; or another runs.
            SealError, UsageError: as `examine`.
            OSError: the folder of releases cannot be written.
        """
        with self._alone():
            bundle = self.examine(content, trust)
            version, key = bundle.seal.version, bundle.seal.key
            before, known, owner = self._releases.current(), self._known(), known_owner()
            folder = self._releases.unpack(bundle, self._config.device.id, self._path)
            self._test(self._path, folder, key)
            self._note(Reason.INTENDED, version, before, change="updated")
            try:
                self._releases.begin()
                if self._config.device.id in bundle.doors:
                    self._releases.adopt(self._path, self._config.device.id)
                self._releases.switch(version)
                self._test(self._path, self._config.paths.release, key)
                remember_owner(key, self._path)
                self._updated(key, version, before)
            except (EdgeDoorError, OSError) as error:
                self._back(before, version, known, owner, error)
                raise
            self._releases.tidy(version, before)
        return bundle

    def undo(self) -> int:
        """Go back to the release of before; its version.

        Raises:
            UsageError: there is none.
            UpdateError: it fails its self-test; what was in force still is.
            OSError: the folder of releases cannot be written.
        """
        with self._alone():
            states, current = self._states(), self._releases.current()
            before, owner = states.get(BEFORE, ""), known_owner()
            if not before or not self._releases.place(int(before)).is_dir():
                raise UsageError("there is no update to undo: only the last one can be, once.")
            key, earlier = states[KEY], int(before)
            if not earlier and not seal_path(self._path).exists():
                raise UsageError(
                    "what was installed before the first update was never sealed, so this door "
                    "cannot go back to it: put a newer update in force instead."
                )
            self._test(self._path, self._releases.place(earlier), key)
            known = {RELEASE: before, BEFORE: ""}
            self._note(Reason.INTENDED, earlier, current, known, change="update_undone")
            try:
                self._releases.switch(earlier)
                self._test(self._path, self._config.paths.release, key)
                remember_owner(key, self._path)
                self._note(Reason.UPDATE_UNDONE, earlier, current)
            except (EdgeDoorError, OSError) as error:
                known = {RELEASE: str(current), BEFORE: before}
                self._back(current, earlier, known, owner, error)
                raise
            self._releases.tidy(earlier)
        return earlier

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep every other update out; where there is no door yet, nothing is made for one."""
        require_begun(self._config)
        with self._releases.alone():
            yield

    def _back(
        self,
        version: int,
        failed: int,
        known: Mapping[str, str],
        owner: str | None,
        error: Exception,
    ) -> None:
        """What was in force is again. What has no room on the disk is no reason not to be."""
        if self._releases.link.is_symlink():
            self._releases.switch(version)
        with suppress(OSError):
            forget_owner() if owner is None else remember_owner(owner, self._path)
        with suppress(LedgerError):
            why = str(error)[:200]
            self._note(Reason.NOT_DONE, failed, version, known, change="update", why=why)

    def _known(self) -> dict[str, str]:
        """What the ledger says is in force, for taking back what is written over it."""
        states = self._states()
        return {RELEASE: states.get(RELEASE, "0"), BEFORE: states.get(BEFORE, "")}

    def _states(self) -> Mapping[str, str]:
        """The sealed states, once what a power cut left unnoted is noted."""
        with acting_as_owner(self._config.paths.state), open_ledger(self._config) as ledger:
            states = ledger.sealed()
            seen, key = int(states.get(RELEASE, 0)), states.get(KEY)
            seal = release_seal(self._config, key)
            if key is not None and seal is not None and seal.version > seen:
                journal = Journal(ledger, self._config.device.id)
                note_release(journal, key, seal.version, before=seen)
            return ledger.sealed()

    def _updated(self, key: str, version: int, before: int) -> None:
        with acting_as_owner(self._config.paths.state), open_ledger(self._config) as ledger:
            note_release(Journal(ledger, self._config.device.id), key, version, before)

    def _note(
        self,
        reason: Reason,
        version: int,
        before: int,
        states: Mapping[str, str] | None = None,
        **detail: str,
    ) -> None:
        full: Detail = {"version": float(version), "before": float(before), **detail}
        with acting_as_owner(self._config.paths.state), open_ledger(self._config) as ledger:
            journal = Journal(ledger, self._config.device.id)
            journal.write(Entry(EventKind.SYSTEM, reason, detail=full), states)
