"""From the configuration to the guard's command line. Not imported by the guard itself."""

from __future__ import annotations

import os
import pwd
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edge.door.machine import THROW_S, Rules
from edge.door.settings import GuardSettings, InputPin, OutputPin
from edge.errors import ConfigError
from edge.process import PYTHON
from edge.vocabulary import Action

if TYPE_CHECKING:
    from edge.config import Config
    from edge.config.door import DoorSection, InputSection

MODEL_FILE = Path("/proc/device-tree/model")


def guard_command(config: Config, *, peer_named: bool = False) -> list[str]:
    """The command that starts the guard for this configuration.

    Args:
        config: all of it.
        peer_named: sight's process is named to the guard on its standard input.

    Raises:
        ConfigError: `peer_user` does not exist, or the lock hangs on a line unsafe on this board.
    """
    settings = replace(guard_settings(config), peer_named=peer_named)
    return [*PYTHON, "-m", "edge.door.guard", settings.to_json()]


def wiring_command(config: Config) -> list[str]:
    """The command that tries the wiring, and watches the inputs for a while.

    Raises:
        ConfigError: as `guard_command`.
    """
    settings = guard_settings(config).to_json()
    return [*PYTHON, "-m", "edge.door.wiring", settings]


def guard_settings(config: Config) -> GuardSettings:
    """What the guard must know of this configuration.

    Raises:
        ConfigError: as `guard_command`.
    """
    door = config.door
    _refuse_unsafe(door)
    interlock = door.interlock
    return GuardSettings(
        backend=door.backend,
        chip=door.chip,
        run=str(config.paths.run.absolute()),
        socket=str(config.door_socket.absolute()),
        peer_uid=_uid(door.peer_user),
        relay=OutputPin(door.relay_pin, door.relay_active_high),
        relay_on_unlocks=door.relay_on_unlocks,
        relock=_output(door.relock_pin, active_high=door.relay_active_high),
        lamps=_lamps(door),
        inputs=_inputs(door),
        busy=_output(interlock.busy_pin, active_high=interlock.busy_active_high),
        debounce_s=door.debounce_s,
        rules=_rules(config),
        readers=tuple(door.readers()),
        watchdog=str(door.watchdog_device or ""),
    )


def _refuse_unsafe(door: DoorSection) -> None:
    """The `gpiod` backend serves any board; only here is it known whether this one is a Pi."""
    if door.backend != "gpiod" or not on_a_pi():
        return
    for why in door.unsafe_on_a_pi():
        raise ConfigError(f"door.{why}.")


def on_a_pi() -> bool:
    """Whether this board is a Raspberry Pi."""
    try:
        return "Raspberry Pi" in MODEL_FILE.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def _uid(user: str | None) -> int:
    if user is None:
        return os.getuid()
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError as error:
        raise ConfigError(
            f"door.peer_user = {user!r}: this machine has no such user. Name the user that sight "
            "runs as, or remove the key."
        ) from error


def _rules(config: Config) -> Rules:
    door = config.door
    motor = door.lock == "motor"
    ordered = Action.ALWAYS_OPEN in config.mqtt.permitted
    return Rules(
        pulse_s=door.pulse_s,
        relock=door.relock,
        held_open_s=door.held_open_s,
        open_grace_s=door.open_grace_s,
        throw_s=door.motor_run_s if motor else min(THROW_S, door.pulse_s),
        motor=motor,
        interlock_s=door.interlock.settle_s if door.interlock.pin is not None else 0.0,
        always_open=bool(config.access.always_open) or ordered,
    )


def _output(line: int | None, *, active_high: bool) -> OutputPin | None:
    return None if line is None else OutputPin(line, active_high)


def _lamps(door: DoorSection) -> dict[str, OutputPin]:
    lines = {
        "buzzer": door.buzzer_pin,
        "red": door.led_red_pin,
        "green": door.led_green_pin,
        "blue": door.led_blue_pin,
    }
    return {
        name: OutputPin(line, door.lamps_active_high)
        for name, line in lines.items()
        if line is not None
    }


def _inputs(door: DoorSection) -> dict[str, InputPin]:
    sections: dict[str, InputSection] = {
        "contact": door.contact,
        "rex": door.rex,
        "tamper": door.tamper,
        "fire": door.fire,
        "interlock": door.interlock,
    }
    return {
        name: InputPin(section.pin, section.active_high, section.pull)
        for name, section in sections.items()
        if section.pin is not None
    }
