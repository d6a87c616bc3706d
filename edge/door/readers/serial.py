"""A keypad on a serial line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.door.readers.claim import PinEntry
from edge.door.readers.device import DeviceReader, open_tty

if TYPE_CHECKING:
    from edge.door.pins import Pins
    from edge.vocabulary import Reader
    from edge.wire.messages import Presented


def fitted(reader: Reader, _pins: Pins) -> DeviceReader:
    """See `open_readers`."""
    return DeviceReader(reader.device, lambda path: open_tty(path, reader.baud), SerialKeys())


class SerialKeys:
    """A keypad that sends ASCII: digits, `*`, and `#` or a line end."""

    def __init__(self) -> None:
        self._entry = PinEntry()

    def feed(self, data: bytes, now: float) -> list[Presented]:
        """Take keys."""
        found: list[Presented] = []
        for key in data.decode("ascii", errors="ignore"):
            if key in "0123456789*#\r\n":
                found += self._entry.key("#" if key in "\r\n" else key, now)
        return found
