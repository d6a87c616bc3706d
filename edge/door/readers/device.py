"""What all readers behind a device file share: it may be unplugged, and come back."""

from __future__ import annotations

import contextlib
import os
import termios
from typing import TYPE_CHECKING, Protocol

from edge.door.say import say
from edge.errors import reason_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.door.pins import Edge
    from edge.wire.messages import Presented

RETRY_S = 2.0
BAUDS = {
    rate: getattr(termios, f"B{rate}")
    for rate in (1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200)
}


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
            return self._lose(reason_of(error), now)
        return self._parser.feed(data, now) if data else self._lose("it hung up", now)

    def _open(self, now: float) -> None:
        try:
            self._file = self._opener(self._path)
        except OSError as error:
            self._lose(reason_of(error), now)
        else:
            self._retry_at = None
            self._missed = False
            say(f"reader {self._path} is there")

    def _lose(self, why: str, now: float) -> list[Presented]:
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
