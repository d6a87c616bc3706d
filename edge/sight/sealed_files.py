"""Which files a door believes, and the key that it knows since it was sealed.

Two seals may vouch for them: the one beside the configuration (`edge-door seal`) and the one of the
release in force (`edge-door update`). Where both name a file, the newer one's word counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.believed import enforce
from edge.bundle import SEAL, config_name
from edge.errors import SealError
from edge.records import EventKind, Reason
from edge.sealing import FileSeal, read_seal
from edge.sight.journal import Journal, open_ledger
from edge.vision.models.known import ADDED_KNOWN, KNOWN
from edge.vision.models.manifest import ADDED, read_manifest, shipped_models

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from edge.config import Config
    from edge.wire.messages import Detail

KEY, VERSION = "seal_key", "seal_version"
"""Sealed states: who may seal this door's files, and the latest seal that was seen."""
RELEASE, BEFORE = "release_version", "release_before"
"""Sealed states: the release in force, and the one that `edge-door update undo` goes back to."""


@dataclass(frozen=True, slots=True)
class Vouched:
    """What the owner's seals say of this door's files."""

    key: str
    files: Mapping[str, str]
    """SHA-256 by absolute path."""
    sealed: int
    """Version of the seal beside the configuration; 0: there is none."""
    released: int
    """Version of the release in force; 0: there is none."""


def seal_path(config_path: Path) -> Path:
    """Where the seal lies: beside the configuration."""
    return config_path.with_name(config_path.name + ".seal")


def believed_files(config: Config, config_path: Path) -> list[Path]:
    """Everything that decides who is let in."""
    folder = config.models_folder or shipped_models()
    files = [config_path, *(folder / name for name in ("manifest.toml", ADDED, KNOWN, ADDED_KNOWN))]
    files += sorted((folder / "calibration").glob("*.json"))
    files += [entry.path for entry in read_manifest(folder).models.values()]
    files += [config.match.calibration] if config.match.calibration else []
    return [path for path in files if path.exists()]


def release_seal(config: Config, key: str | None = None) -> FileSeal | None:
    """The seal of the release in force; None where there is no release.

    Raises:
        SealError: it is damaged, changed, or by another key.
    """
    place = config.paths.release / SEAL
    return read_seal(place, key) if place.exists() else None


def vouched(config: Config, config_path: Path, key: str) -> Vouched:
    """What the seals by this key say.

    Raises:
        SealError: there is none, or one is damaged, changed, or by another key.
    """
    release, place = release_seal(config, key), seal_path(config_path)
    own = read_seal(place, key) if place.exists() or release is None else None
    here = str(config_path.absolute())
    told: list[tuple[int, Mapping[str, str]]] = [(own.version, own.files)] if own else []
    if release is not None:
        folder = config.paths.release
        places = (folder.absolute(), folder.resolve())  # a program in it knows its own place
        inside = {str(at / name): said for at in places for name, said in release.files.items()}
        mine = release.files.get(config_name(config.device.id))
        told.append((release.version, {**inside, **({here: mine} if mine else {})}))
    files: dict[str, str] = {}
    for _, each in sorted(told, key=lambda one: one[0]):
        files |= each
    if here in files:  # its copy in a release that brought none
        files.setdefault(str(config.paths.release / config_name(config.device.id)), files[here])
    return Vouched(key, files, own.version if own else 0, release.version if release else 0)


def take_up_seal(config: Config, config_path: Path) -> Vouched | None:
    """Put the seals in force, on a door that was sealed; None on one that never was.

    Raises:
        SealError: one is missing, changed, by another key, or older than one that was seen.
    """
    with open_ledger(config) as ledger:
        states = ledger.sealed()
        if KEY not in states:
            return None
        found = vouched(config, config_path, states[KEY])
        seen, release = int(states.get(VERSION, 0)), int(states.get(RELEASE, 0))
        if found.sealed and found.sealed < seen:
            raise SealError(
                f"the seal beside {config_path} is version {found.sealed}, and this door has seen "
                f"{seen}: older files were put back."
            )
        if found.released < release:
            raise SealError(
                f"the release in force is version {found.released or 'none'}, and this door has "
                f"seen {release}: an older one was put back."
            )
        enforce(found.files)
        journal = Journal(ledger, config.device.id)
        if found.sealed > seen:
            note_seal(journal, found.key, found.sealed, len(found.files))
        if found.released > release:
            note_release(journal, found.key, found.released, before=release)
    return found


def note_seal(journal: Journal, key: str, version: int, files: int) -> None:
    """Remember who may seal and how new a seal must be.

    Raises:
        LedgerError: that cannot be written.
    """
    states = {KEY: key, VERSION: str(version)}
    detail: Detail = {"version": float(version), "files": float(files), "key": key}
    journal.write(EventKind.SYSTEM, Reason.SEALED, states=states, detail=detail)


def note_release(journal: Journal, key: str, version: int, before: int) -> None:
    """Remember which release is in force, and whose.

    Raises:
        LedgerError: that cannot be written.
    """
    states = {KEY: key, RELEASE: str(version), BEFORE: str(before)}
    detail: Detail = {"version": float(version), "before": float(before), "key": key}
    journal.write(EventKind.SYSTEM, Reason.UPDATED, states=states, detail=detail)
