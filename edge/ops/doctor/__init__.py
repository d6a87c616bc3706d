"""Is everything as it must be? One finding a check, each with what to do.

The checks look and change nothing. What only root may look at is reported as such.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from edge.errors import EdgeDoorError
from edge.ops.doctor import choices, drift, files, hardware, software, spoofing, state, system
from edge.ops.doctor.check import Check, fail, warn

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edge.config import Config

__all__ = ["Check", "run_checks"]

_CHECKS: dict[str, Callable[[Config], Check | None]] = {
    "python": software.python,
    "runtime": software.runtime,
    "models": software.models,
    "calibration": software.calibration,
    "speed": software.speed,
    "release": files.release,
    "key": state.key,
    "people": state.people,
    "rules": state.rules,
    "ledger": state.ledger,
    "disk": state.disk,
    "camera": hardware.camera,
    "injection": spoofing.injection,
    "instruction": spoofing.instruction,
    "choices": choices.choices,
    "pins": hardware.pins,
    "outputs": hardware.outputs,
    "boot": hardware.boot,
    "groups": system.groups,
    "units": system.units,
    "unit files": drift.unit_files,
    "sight": system.sight,
    "door": system.door,
    "broker": system.broker,
    "left behind": system.left_behind,
    "clock": system.clock,
}

_OF_FILES: dict[str, Callable[[Config, Path], Check | None]] = {
    "files": files.rights,
    "restart": drift.restart,
    "seal": files.seal,
}
"""What also has to know where the configuration lies."""


def run_checks(config: Config, config_path: Path) -> tuple[Check, ...]:
    """Every check that applies to this machine, in the order in which to mend things."""
    looks = {name: partial(check, config) for name, check in _CHECKS.items()}
    looks |= {name: partial(check, config, config_path) for name, check in _OF_FILES.items()}
    found = (_run(name, look) for name, look in looks.items())
    return tuple(check for check in found if check is not None)


def _run(name: str, look: Callable[[], Check | None]) -> Check | None:
    try:
        return look()
    except EdgeDoorError as error:
        return fail(name, str(error), "Mend that, then ask doctor again.")
    except PermissionError as error:
        return warn(name, f"not looked at: {error}", "Ask again with `sudo edge-door doctor`.")
