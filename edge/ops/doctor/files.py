"""Checks of the files that decide who is let in: whose they are, and whether they are sealed."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from edge.ops.doctor.check import Check, fail, ok, warn
from edge.ops.owner import acting_as_owner
from edge.ops.update import verify_release
from edge.sight.sealed_files import believed_files, require_sealed
from edge.sight.seals import take_up_seal
from edge.vision.models.manifest import shipped_models
from edge.vision.models.shipped import require_shipped

if TYPE_CHECKING:
    from pathlib import Path

    from edge.config import Config

_OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


def rights(config: Config, config_path: Path) -> Check:
    """Nobody but root, or who owns the state, may write what decides, and the state."""
    folder = config.models_folder or shipped_models()
    places = [folder, folder / "calibration", *believed_files(config, config_path)]
    places += [config.paths.state, config.ledger_db, config.people_db]
    owners = {0, folder.stat().st_uid}
    if config.paths.state.exists():
        owners.add(config.paths.state.stat().st_uid)
    wrong = [said for path in places if path.exists() and (said := _objection(path, owners))]
    if wrong:
        remedy = "Run `chmod go-w` and `chown root` on them, and find out who may have written."
        return fail("files", "; ".join(wrong), remedy)
    return ok("files", "only their owners may write what decides who is let in")


def release(config: Config) -> Check | None:
    """The update in force is what was signed, file by file."""
    version, files = verify_release(config)
    if not version:
        return None
    return ok("release", f"version {version}, {files} files as they were signed")


def seal(config: Config, config_path: Path) -> Check:
    """Where the owner sealed: every file that decides is theirs, byte for byte."""
    with acting_as_owner(config.paths.state):
        found = take_up_seal(config, config_path, note=False)
    if found is None:
        advice = "Seal them: deploy/guide/record-and-keys.md, or updates.md for many doors."
        if config.models_folder is not None:
            return warn(
                "seal", "no owner vouches for configuration, models and calibration", advice
            )
        count = require_shipped(shipped_models())
        said = f"{count} shipped files are what the project has signed; no owner vouches for more"
        return warn("seal", said, advice)
    count = require_sealed(config, config_path, found)
    return ok("seal", f"{count} files are what their owner sealed")


def _objection(path: Path, owners: set[int]) -> str:
    found = path.stat()
    if found.st_mode & _OTHERS_WRITE:
        return f"{path} may be written by others (mode {found.st_mode & 0o7777:04o})"
    if found.st_uid not in owners:
        return f"{path} belongs to user {found.st_uid}"
    return ""
