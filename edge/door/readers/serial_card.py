"""A card reader on a serial line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.door.readers.claim import card
from edge.door.readers.device import DeviceReader, open_tty

if TYPE_CHECKING:
    from edge.door.pins import Pins
    from edge.vocabulary import Reader
    from edge.wire.messages import Presented

STX, ETX = 2, 3
FRAME = 12


def fitted(reader: Reader, _pins: Pins) -> DeviceReader:
    """See `open_readers`."""
    return DeviceReader(reader.device, lambda path: open_tty(path, reader.baud), SerialCard())


class SerialCard:
    """A 125 kHz reader such as RDM6300: STX, ten hex digits, two of checksum, ETX.

    The checksum is the XOR of the five bytes. The number printed on a card is the last four.
    """

    def __init__(self) -> None:
        self._frame: bytearray | None = None

    def feed(self, data: bytes, now: float) -> list[Presented]:
        """Take bytes."""
        del now
        found: list[Presented] = []
        for byte in data:
            if byte == STX:
                self._frame = bytearray()
            elif byte == ETX and self._frame is not None:
                found += self._end(self._frame)
                self._frame = None
            elif self._frame is not None:
                self._frame.append(byte)
                if len(self._frame) > FRAME:
                    self._frame = None
        return found

    @staticmethod
    def _end(frame: bytearray) -> list[Presented]:
        try:
            code = bytes.fromhex(frame.decode("ascii"))
        except ValueError:
            return []
        check = 0
        for byte in code:
            check ^= byte
        if len(frame) != FRAME or check:
            return []
        return [card(int.from_bytes(code[1:5], "big"))]
