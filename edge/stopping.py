"""How every program is told to stop: SIGTERM or SIGINT. Stdlib only, for the relay guard too."""

from __future__ import annotations

import select
import signal
import socket
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from typing_extensions import Self

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stop(Protocol):
    """What a loop asks: a `StopSignal`, or a `threading.Event` of whoever runs it on a thread."""

    def is_set(self) -> bool:
        """Whether to stop."""

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for it, at most so many seconds; whether to stop."""


class StopSignal:
    """Set by SIGTERM and SIGINT, and readable then, so that `select` wakes. For the main thread."""

    def __init__(self) -> None:
        self._told = False
        self._read_end, self._write_end = socket.socketpair()
        self._write_end.settimeout(0)
        self._wakeup_before = signal.set_wakeup_fd(self._write_end.fileno())
        self._before = [signal.signal(number, self._tell) for number in _SIGNALS]

    def _tell(self, *_: object) -> None:
        self._told = True

    def fileno(self) -> int:
        """For select and poll."""
        return self._read_end.fileno()

    def is_set(self) -> bool:
        """Whether to stop."""
        return self._told

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for it, at most so many seconds; whether to stop."""
        select.select([self._read_end], [], [], timeout)
        return self._told

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Put back whatever heard the signals before."""
        for number, handler in zip(_SIGNALS, self._before, strict=True):
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._wakeup_before)
        self._read_end.close()
        self._write_end.close()
