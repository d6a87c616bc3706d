"""The owner's seals over a door's files, and the key that the door knows since it was sealed.

Two seals may vouch for them: the one beside the configuration (`edge-door seal`) and the one of the
release in force (`edge-door update`). Where both name a file, the newer one's word counts.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.believed import enforce
from edge.bundle import SEAL, config_name
from edge.errors import SealError
from edge.owner import known_owner
from edge.records import EventKind, Reason
from edge.sealing import FileSeal, read_seal
from edge.sight.journal import Entry, Journal
from edge.sight.sealed_ledger import open_ledger

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
        told.append((release.version, _released(config, release, here)))
    files: dict[str, str] = {}
    for _, each in sorted(told, key=lambda one: one[0]):
        files |= each
    if here in files:  # its copy in a release that brought none
        files.setdefault(str(config.paths.release / config_name(config.device.id)), files[here])
    return Vouched(key, files, own.version if own else 0, release.version if release else 0)


def _released(config: Config, release: FileSeal, here: str) -> dict[str, str]:
    """What the release's seal says, by absolute path; `here`: the door's own configuration."""
    folder = config.paths.release
    places = (folder.absolute(), folder.resolve())  # a program in it knows its own place
    files = {str(at / name): said for at in places for name, said in release.files.items()}
    mine = release.files.get(config_name(config.device.id))
    return files | ({here: mine} if mine else {})


def take_up_seal(config: Config, config_path: Path, *, note: bool = True) -> Vouched | None:
    """Put the seals in force, on a door that was sealed; None on one that never was.

    Who may read the ledger learns there whom to believe and how new the seals must be; everybody
    else from the machine's own file (`edge.owner`), which holds the key alone. `note`: remember
    in the ledger a seal that is newer than any.

    Raises:
        SealError: one is missing, changed, by another key, or older than one that was seen.
        LedgerError, VaultError: as `open_ledger`.
    """
    pinned = known_owner()
    if not os.access(config.key_file, os.R_OK) or not config.ledger_db.exists():
        if pinned is None:
            return None
        found = vouched(config, config_path, pinned)
        enforce(found.files)
        return found
    with open_ledger(config, read_only=not note) as ledger:
        states = ledger.sealed()
        key = states.get(KEY, pinned)
        if key is None:
            return None
        if pinned not in (None, key):
            raise SealError(f"this machine's owner is {pinned}, and this door was sealed by {key}.")
        found = vouched(config, config_path, key)
        seen, release = int(states.get(VERSION, 0)), int(states.get(RELEASE, 0))
        _require_new(found, config_path, seen, release)
        enforce(found.files)
        journal = Journal(ledger, config.device.id)
        if note and found.sealed > seen:
            note_seal(journal, found.key, found.sealed, len(found.files))
        if note and found.released > release:
            note_release(journal, found.key, found.released, before=release)
    return found


def _require_new(found: Vouched, config_path: Path, seen: int, release: int) -> None:
    if found.sealed and found.sealed < seen:
        raise SealError(
            f"the seal beside {config_path} is version {found.sealed}, and this door has seen "
            f"{seen}: older files were put back. Put those of version {seen} back, or sign these "
            "with `edge-door seal --key FILE`."
        )
    if found.released < release:
        raise SealError(
            f"the release in force is version {found.released or 'none'}, and this door has "
            f"seen {release}: an older one was put back. `edge-door update apply FILE` with the "
            f"bundle of version {release}, or a newer one, puts that right."
        )


def note_seal(journal: Journal, key: str, version: int, files: int) -> None:
    """Remember who may seal and how new a seal must be.

    Raises:
        LedgerError: that cannot be written.
    """
    states = {KEY: key, VERSION: str(version)}
    detail: Detail = {"version": float(version), "files": float(files), "key": key}
    journal.write(Entry(EventKind.SYSTEM, Reason.SEALED, detail=detail), states)


def note_release(journal: Journal, key: str, version: int, before: int) -> None:
    """Remember which release is in force, and whose.

    Raises:
        LedgerError: that cannot be written.
    """
    states = {KEY: key, RELEASE: str(version), BEFORE: str(before)}
    detail: Detail = {"version": float(version), "before": float(before), "key": key}
    journal.write(Entry(EventKind.SYSTEM, Reason.UPDATED, detail=detail), states)
