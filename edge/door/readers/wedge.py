"""A USB reader that types like a keyboard."""

from __future__ import annotations

import fcntl
import os
import struct
from typing import TYPE_CHECKING

from edge.door.readers.claim import card
from edge.door.readers.device import DeviceReader
from edge.wire.messages import Credential, Presented

if TYPE_CHECKING:
    from edge.door.pins import Pins
    from edge.vocabulary import Reader

TYPING_S = 1.0
"""A USB reader types a number in one go; a longer pause starts a new one."""
CARD_LENGTH = 20
EVENT = struct.Struct("@llHHi")
"""`struct input_event` of linux/input.h: time, type, code, value."""
EV_KEY = 1
EVIOCGRAB = 0x40044590
"""linux/input.h: take the device for ourselves, so that numbers do not reach a console."""
ENTER = (28, 96)
SILENT = (42, 54, 58, 69)
"""Shift, of either side, and the locks: readers press them to type capitals and digits."""
CODES = {
    **dict(zip(range(2, 12), "1234567890", strict=True)),
    **dict(zip((79, 80, 81, 75, 76, 77, 71, 72, 73, 82), "1234567890", strict=True)),
    **dict(zip((30, 48, 46, 32, 18, 33), "ABCDEF", strict=True)),
}
"""Key codes of linux/input-event-codes.h: the digit row, the number pad, A to F."""


def fitted(reader: Reader, _pins: Pins) -> DeviceReader:
    """See `open_readers`."""
    return DeviceReader(reader.device, open_usb, Wedge())


def open_usb(path: str) -> int:
    """An event device, for us alone.

    Raises:
        OSError: it is not there, not permitted, or another program has it.
    """
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        fcntl.ioctl(file, EVIOCGRAB, 1)
    except OSError:
        os.close(file)
        raise
    return file


class Wedge:
    """A USB reader that types a number and Enter."""

    def __init__(self) -> None:
        self._typed = ""
        self._typed_at = 0.0
        self._rest = b""

    def feed(self, data: bytes, now: float) -> list[Presented]:
        """Take events of the kernel's input layer."""
        found: list[Presented] = []
        if now - self._typed_at > TYPING_S:
            self._typed = ""
        self._typed_at = now
        data = self._rest + data
        whole = len(data) - len(data) % EVENT.size
        self._rest = data[whole:]
        for _, _, kind, code, value in EVENT.iter_unpack(data[:whole]):
            if kind == EV_KEY and value == 1:
                found += self._key(code)
        return found

    def _key(self, code: int) -> list[Presented]:
        if code in SILENT:
            return []
        if code not in ENTER:
            # One character too many is kept, so that what is too long counts as nothing.
            self._typed = (self._typed + CODES.get(code, "?"))[: CARD_LENGTH + 1]
            return []
        typed, self._typed = self._typed, ""
        if not 0 < len(typed) <= CARD_LENGTH or "?" in typed:
            return []
        if typed.isdecimal():
            return [card(int(typed))]
        return [Presented(Credential.CARD, typed)]
