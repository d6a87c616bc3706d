"""Checks of what must survive: key, people, ledger, room on the disk."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from edge.access.matcher import turned_away
from edge.ledger.tables import LOST
from edge.link.outbox import Fill, Outbox, Watermarks
from edge.names import listed
from edge.ops.doctor.check import Check, fail, ok, warn
from edge.ops.owner import INSTALLED, acting_as_owner
from edge.ops.roll import require_known
from edge.sight.changes import ASKS, RESTORED
from edge.sight.sealed_ledger import open_ledger
from edge.vault.key import load_keys
from edge.vault.vault import open_vault
from edge.vision.calibrated import read_calibration
from edge.vision.models.manifest import read_manifest
from edge.words import counted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.config import Config
    from edge.records import Template

_MIB = 1024 * 1024
_SCARCE = 100 * _MIB
_LOW = 500 * _MIB
_MANY = 0.2
_FEWER = (
    'Let people say who they are first: [match] claim = "required"; or raise false_match_rate, or '
    "enrol with more and better captures."
)


def key(config: Config) -> Check:
    """There, whole, and readable by its owner alone."""
    with acting_as_owner(config.paths.state):
        if not config.key_file.exists():
            return warn("key", f"{config.key_file} is not there yet", _init(config))
        load_keys(config.key_file)
    source = config.vault.key.value
    return ok("key", f"{config.key_file} (source: {source}) is readable by its owner alone")


def people(config: Config) -> Check:
    """The database opens with this key, and its templates belong to this embedder."""
    with acting_as_owner(config.paths.state):
        if not config.people_db.exists():
            return warn("people", f"{config.people_db} is not there yet", _init(config))
        embedder = read_manifest(config.models_folder).embedder(config.models.embedder)
        with open_vault(config, begin=False, read_only=True) as vault:
            templates = vault.plain_templates(embedder.sha256)
    if not templates:
        return ok("people", "whole; nobody is enrolled yet")
    sentence = f"whole; {len(templates)} enrolled"
    rate = config.match.false_match_rate
    share = turned_away(templates, read_calibration(config), rate / _competing(config, templates))
    if share > _MANY:
        sentence += (
            f"; of their own captures {share:.0%} would be turned away at the threshold that "
            "so many people need"
        )
        return warn("people", sentence, _FEWER)
    return ok("people", sentence)


def _competing(config: Config, templates: Sequence[Template]) -> int:
    """How many share the false-match rate: with a claim, one."""
    return len(templates) if config.match.claim == "anyone" else 1


def rules(config: Config) -> Check | None:
    """Everybody whom the rules name is enrolled."""
    if not config.access.named:
        return None
    moved = require_known(config).moved
    if not moved:
        return ok("rules", "everybody whom [access] names is enrolled")
    names = listed(f"{name} ({called or 'gone'})" for name, called in moved.items())
    return warn(
        "rules",
        f"[access] names people whom the people office has removed or renamed: {names}",
        "Take a name that is gone out of the file, write there what a renamed one is called, and "
        "restart sight; who is renamed may not pass before.",
    )


def ledger(config: Config) -> Check:
    """The chain of events is whole, and readers keep up."""
    marks = _delivered(config)
    with acting_as_owner(config.paths.state):
        if not config.ledger_db.exists() and config.ledger_anchor.exists():
            return fail("ledger", f"{config.ledger_db} is gone", LOST)
        if not config.ledger_db.exists():
            return warn("ledger", f"{config.ledger_db} is not there yet", _init(config))
        with open_ledger(config, read_only=True) as events:
            problems = events.verify() or events.older()
            written = events.written()
            asks = "" if problems else events.sealed().get(RESTORED, "")
            warning = Fill.of(events, marks).warning if marks else ""
    if problems:
        remedy = "Keep a copy of the file, and find out who changed it."
        return fail("ledger", " ".join(problems), remedy)
    if asks:
        return warn("ledger", "whole; this door was restored from a backup", ASKS)
    if warning:
        return warn("ledger", warning, "Find out why the broker or its reader does not follow.")
    return ok("ledger", f"{counted(written, 'event')}, the chain is whole")


def _delivered(config: Config) -> Watermarks | None:
    if config.mqtt.host is None or not config.outbox_db.exists():
        return None
    folder = config.outbox_db.parent
    with acting_as_owner(folder), Outbox.open(config.outbox_db, read_only=True) as outbox:
        return outbox.watermarks()


def disk(config: Config) -> Check:
    """Room for events: a full disk keeps the door shut."""
    folder = config.paths.state
    if not folder.is_dir():
        return fail("disk", f"{folder} is not there", _init(config))
    if os.statvfs(folder).f_flag & os.ST_RDONLY:
        remedy = (
            f"See why with `sudo dmesg` (a worn card does that), then: sudo mount -o remount,rw "
            f"{_mount_of(folder)}, or take another card and the backup."
        )
        sentence = f"{folder} is mounted read-only: no event can be written, so nobody gets in"
        return fail("disk", sentence, remedy)
    free = shutil.disk_usage(folder).free
    sentence = f"{free // _MIB} MiB are free in {folder}"
    if free < _SCARCE:
        return fail("disk", sentence, "Free some space: when the disk is full, nobody gets in.")
    if free < _LOW:
        return warn("disk", sentence, "Free some space before it gets scarce.")
    return ok("disk", sentence)


def _mount_of(folder: Path) -> Path:
    """Where the disk of a folder is mounted."""
    lines = Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()
    mounted = {line.split()[1] for line in lines}
    places = (folder, *folder.absolute().parents)
    return next((place for place in places if str(place) in mounted), Path("/"))


def _init(config: Config) -> str:
    """Of an installed door only root makes the state."""
    return f"Run: {'sudo ' if config.paths.state == INSTALLED else ''}edge-door init"
