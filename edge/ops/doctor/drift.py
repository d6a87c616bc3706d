"""Checks that what runs is what lies on the disk: who changed a file may have to restart."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import edge
from edge.names import listed
from edge.ops.doctor import system
from edge.ops.doctor.check import Check, ok, warn
from edge.sight.sealed_files import believed_files

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.config import Config

_PROGRAM = Path(edge.__file__).parent


def restart(config: Config, config_path: Path) -> Check | None:
    """The programs started after the last change of what they read at their start."""
    sockets = [path for path in (config.door_socket, config.sight_socket) if path.is_socket()]
    if not sockets:
        return None  # nothing runs, which other checks say
    started = min(_changed(path) for path in sockets)
    newer = _changed_since(started, config, config_path)
    if not newer:
        return ok("restart", "what runs is what lies on the disk")
    how = "sudo systemctl restart edge-door.target" if system.TARGET.exists() else "start it again"
    return warn(
        "restart", f"changed since the programs started: {listed(newer)}", f"To apply it: {how}"
    )


def _changed_since(started: float, config: Config, config_path: Path) -> list[str]:
    files = believed_files(config, config_path)
    found = [str(path) for path in files if _changed(path) > started]
    if any(_changed(path) > started for path in _PROGRAM.rglob("*.py")):
        found.append("the program")
    return found


def unit_files(config: Config) -> Check | None:
    """Systemd has read the units, and they are not older than the program installed beside them."""
    units = sorted(system.TARGET.parent.glob("edge-door*.service"))
    if not system.TARGET.exists() or not units or shutil.which("systemctl") is None:
        return None
    unread = [unit.name for unit in units if _wants_reload(unit.name)]
    if unread:
        remedy = "Run: sudo systemctl daemon-reload && sudo systemctl restart edge-door.target"
        return warn("unit files", f"changed since systemd read them: {listed(unread)}", remedy)
    old = _older_than_program(config, units)
    if old:
        remedy = "Run: sudo ./deploy/install.sh"
        return warn("unit files", f"older than the program: {listed(old)}", remedy)
    return ok("unit files", "as they were installed with the program")


def _older_than_program(config: Config, units: Iterable[Path]) -> list[str]:
    # An update's program has come after the units, as it should.
    if _PROGRAM.resolve().is_relative_to(config.paths.release.resolve()):
        return []
    installed = _changed(_PROGRAM / "__init__.py")
    return [unit.name for unit in units if _changed(unit) < installed]


def _changed(path: Path) -> float:
    """When the file got its content or its place: a copy may bring an old time of its own."""
    return path.stat().st_ctime


def _wants_reload(unit: str) -> bool:
    asked = ("systemctl", "show", "--property=NeedDaemonReload", "--value", unit)
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return done.stdout.strip() == "yes"
