"""`[door]`: the lock, its pins and its times."""

from typing import Literal

from pydantic import Field

from edge.config.section import Section


class DoorSection(Section):
    """Pins are BCM numbers on a Pi and line offsets of `chip` with `gpiod`."""

    backend: Literal["fake", "rpi", "jetson", "gpiod"] = "fake"
    """Which library drives the pins. `fake` drives nothing and keeps the same rules."""
    chip: str = "/dev/gpiochip0"
    """Character device, for `gpiod`."""
    relay_pin: int = Field(17, ge=0, le=511)
    """The line that energises the lock's relay."""
    relay_active_high: bool = True
    """False for relay boards that switch on when the line is low."""
    pulse_s: float = Field(3.0, ge=0.1, le=30.0)
    """How long one grant energises the relay, seconds."""
