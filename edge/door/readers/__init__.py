"""Card readers and keypads: a claimed identity, never a permission.

Wiegand 26/34, matrix and serial keypads, serial RFID readers, and USB readers that type like a
keyboard. OSDP is out of scope: it needs RS-485 and a secure channel with key management of its
own. All of these send a number in clear, and a card can be copied: it only says whose face to
expect.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.door.readers.claim import ClaimReader
from edge.door.readers.device import DeviceReader, SerialCard, SerialKeys, Wedge, open_tty, open_usb
from edge.door.readers.matrix import Matrix
from edge.door.readers.wiegand import Wiegand
from edge.vocabulary import Reader, ReaderKind

if TYPE_CHECKING:
    from edge.door.pins import Pins

__all__ = ["ClaimReader", "open_readers"]


def open_readers(readers: tuple[Reader, ...], pins: Pins) -> list[ClaimReader]:
    """Claim the lines and open the devices of every reader of the configuration.

    A device that is not there is tried again and again: a door must not stop for its keypad.

    Raises:
        PinError: a line cannot be claimed.
    """
    return [_open(reader, pins) for reader in readers]


def _open(reader: Reader, pins: Pins) -> ClaimReader:
    if reader.kind is ReaderKind.WIEGAND:
        return Wiegand(pins, *reader.lines)
    if reader.kind is ReaderKind.MATRIX:
        rows = len(reader.lines) - reader.columns
        return Matrix(pins, reader.lines[:rows], reader.lines[rows:])
    if reader.kind is ReaderKind.WEDGE:
        return DeviceReader(reader.device, open_usb, Wedge())
    parser = SerialCard() if reader.kind is ReaderKind.SERIAL_CARD else SerialKeys()
    return DeviceReader(reader.device, lambda path: open_tty(path, reader.baud), parser)
