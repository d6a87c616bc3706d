"""Programs that run go on with what they read at their start: a change needs another."""

from __future__ import annotations

import os
import shutil
import subprocess

from edge.errors import UpdateError

TARGET = "edge-door.target"
LIMIT_S = 120.0


def start_anew() -> bool:
    """Restart the door's programs where systemd runs them and we may; whether that was done.

    Raises:
        UpdateError: they do not start; says what to do.
    """
    if os.geteuid() != 0 or not running():
        return False
    ended = _systemctl("restart", TARGET)
    if ended.returncode:
        why = ended.stderr.strip() or f"exit code {ended.returncode}"
        raise UpdateError(
            f"what was installed is in force, but `systemctl restart {TARGET}` says: {why}. Look "
            "at `journalctl -u 'edge-door-*'`; `edge-door update undo` goes back."
        )
    return True


def advice() -> str:
    """What to type where `start_anew` was not for us to do."""
    if running():
        return f"Now: sudo systemctl restart {TARGET}"
    return (
        f"No door runs under systemd here: it is what starts next, be it {TARGET} or edge-door run."
    )


def running() -> bool:
    """Whether systemd runs a door here."""
    there = shutil.which("systemctl") is not None
    return there and not _systemctl("is-active", "--quiet", TARGET).returncode


def _systemctl(*words: str) -> subprocess.CompletedProcess[str]:
    command = ["systemctl", *words]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=LIMIT_S)
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(command, 1, "", f"nothing for {LIMIT_S:g} s")
