"""GPIO lines. The only package that knows GPIO libraries; each is imported inside its backend."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.door.pins.base import Edge, Lines, Pins
from edge.errors import PinError

if TYPE_CHECKING:
    from edge.door.settings import GuardSettings

__all__ = ["Edge", "Pins", "open_pins"]


def open_pins(settings: GuardSettings) -> Pins:
    """The backend that the configuration names. Claims no line yet; never falls back to another.

    Raises:
        PinError: its library is missing or the board is not there; the text says what to do.
    """
    return Pins(_lines(settings))


def _lines(settings: GuardSettings) -> Lines:
    # Each backend is imported only where it is asked for: the guard stays small.
    if settings.backend == "fake":
        from edge.door.pins.fake import FakeLines

        return FakeLines(settings.run)
    if settings.backend == "gpiod":
        from edge.door.pins.chardev import ChardevLines

        return ChardevLines(settings.chip)
    if settings.backend in ("rpi", "jetson"):
        from edge.door.pins.rpi_api import RpiApiLines

        return RpiApiLines(settings.backend, settings.run)
    raise PinError(f"there is no pin backend {settings.backend!r}; use fake, rpi, jetson or gpiod")
