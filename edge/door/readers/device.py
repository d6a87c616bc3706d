"""Readers behind a device file: serial keypads and card readers, and USB keyboards of a kind."""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import termios
from typing import TYPE_CHECKING, Protocol

from edge.door.readers.claim import PinEntry, card
from edge.door.say import say
from edge.wire.messages import Credential, Presented

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.door.pins import Edge

RETRY_S = 2.0
TYPING_S = 1.0
"""A USB reader types a number in one go; a longer pause starts a new one."""
CARD_LENGTH = 20
EVENT = struct.Struct("@llHHi")
"""`struct input_event` of linux/input.h: time, type, code, value."""
EV_KEY = 1
EVIOCGRAB = 0x40044590
"""linux/input.h: take the device for ourselves, so that numbers do not reach a console."""
ENTER = (28, 96)
CODES = {
    **dict(zip(range(2, 12), "1234567890", strict=True)),
    **dict(zip((79, 80, 81, 75, 76, 77, 71, 72, 73, 82), "1234567890", strict=True)),
    **dict(zip((30, 48, 46, 32, 18, 33), "ABCDEF", strict=True)),
}
"""Key codes of linux/input-event-codes.h: the digit row, the number pad, A to F."""
BAUDS = {
    rate: getattr(termios, f"B{rate}")
    for rate in (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
}
STX, ETX = 2, 3
FRAME = 12


class Parser(Protocol):
    """Bytes of a device to claims."""

    def feed(self, data: bytes, now: float) -> list[Presented]:
        """Take what was read, monotonic time."""


class DeviceReader:
    """A device file that may be unplugged and come back."""

    def __init__(self, path: str, opener: Callable[[str], int], parser: Parser) -> None:
        self._path = path
        self._opener = opener
        self._parser = parser
        self._file = -1
        self._retry_at: float | None = 0.0
        self._missed = False

    def fileno(self) -> int:
        """The device's descriptor; -1 while it is away."""
        return self._file

    @property
    def deadline(self) -> float | None:
        """The next try to open it, while it is away."""
        return self._retry_at

    def claims(self, edges: list[Edge], now: float) -> list[Presented]:
        """What was read since the last call."""
        del edges
        if self._retry_at is not None and now >= self._retry_at:
            self._open(now)
        if self._file < 0:
            return []
        try:
            data = os.read(self._file, 4096)
        except BlockingIOError:
            return []
        except OSError as error:
            return self._lose(error.strerror, now)
        return self._parser.feed(data, now) if data else self._lose("it hung up", now)

    def _open(self, now: float) -> None:
        try:
            self._file = self._opener(self._path)
        except OSError as error:
            self._lose(error.strerror, now)
        else:
            self._retry_at = None
            self._missed = False
            say(f"reader {self._path} is there")

    def _lose(self, why: str | None, now: float) -> list[Presented]:
        if self._file >= 0:
            with contextlib.suppress(OSError):
                os.close(self._file)
        self._file = -1
        self._retry_at = now + RETRY_S
        if not self._missed:
            say(f"reader {self._path} is away ({why}); trying again every {RETRY_S:g} s")
        self._missed = True
        return []


def open_tty(path: str, baud: int) -> int:
    """A serial line, raw, 8N1.

    Raises:
        OSError: it is not there, not permitted, or no serial line.
    """
    file = os.open(path, os.O_RDONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = termios.tcgetattr(file)
        control = termios.CS8 | termios.CREAD | termios.CLOCAL
        mode[:6] = [0, 0, control, 0, BAUDS[baud], BAUDS[baud]]
        termios.tcsetattr(file, termios.TCSANOW, mode)
    except termios.error as error:
        os.close(file)
        raise OSError(f"not a serial line: {error}") from error
    return file


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
