"""Which files a door believes, and the key that it knows since it was sealed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.believed import enforce
from edge.errors import SealError
from edge.records import EventKind, Reason
from edge.sealing import read_seal
from edge.sight.journal import Journal, open_ledger
from edge.vision.models.known import ADDED_KNOWN, KNOWN
from edge.vision.models.manifest import ADDED, read_manifest, shipped_models

if TYPE_CHECKING:
    from pathlib import Path

    from edge.config import Config
    from edge.sealing import FileSeal
    from edge.wire.messages import Detail

KEY, VERSION = "seal_key", "seal_version"
"""Sealed states: who may seal this door's files, and the latest seal that was seen."""


def seal_path(config_path: Path) -> Path:
    """Where the seal lies: beside the configuration."""
    return config_path.with_name(config_path.name + ".seal")


def believed_files(config: Config, config_path: Path) -> list[Path]:
    """Everything that decides who is let in."""
    folder = config.paths.models or shipped_models()
    files = [config_path, *(folder / name for name in ("manifest.toml", ADDED, KNOWN, ADDED_KNOWN))]
    files += sorted((folder / "calibration").glob("*.json"))
    files += [entry.path for entry in read_manifest(folder).models.values()]
    files += [config.match.calibration] if config.match.calibration else []
    return [path for path in files if path.exists()]


def take_up_seal(config: Config, config_path: Path) -> FileSeal | None:
    """Put the seal in force, on a door that was sealed; None on one that never was.

    Raises:
        SealError: it is missing, changed, by another key, or older than one that was seen.
    """
    with open_ledger(config) as ledger:
        states = ledger.sealed()
        if KEY not in states:
            return None
        seal = read_seal(seal_path(config_path), states[KEY])
        seen = int(states.get(VERSION, 0))
        if seal.version < seen:
            raise SealError(
                f"the seal beside {config_path} is version {seal.version}, and this door has seen "
                f"{seen}: older files were put back."
            )
        enforce(seal.files)
        if seal.version > seen:
            note_seal(Journal(ledger, config.device.id), seal)
    return seal


def note_seal(journal: Journal, seal: FileSeal) -> None:
    """Remember who may seal and how new a seal must be.

    Raises:
        LedgerError: that cannot be written.
    """
    states = {KEY: seal.key, VERSION: str(seal.version)}
    detail: Detail = {
        "version": float(seal.version),
        "files": float(len(seal.files)),
        "key": seal.key,
    }
    journal.write(EventKind.SYSTEM, Reason.SEALED, states=states, detail=detail)
