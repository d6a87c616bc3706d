"""Python's part of a clock that runs slowly, so that an emulated board keeps a real one's time.

libfaketime slows down the clocks and the waits of C. Two of Python's it leaves: its version 0.9.10
refuses `clock_nanosleep`, and does not know `sem_clockwait`, by which locks wait for a time.
"""

from __future__ import annotations

import select
import threading
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_STEP_S = 0.001
_allocate, _join = threading.Lock, threading.Thread.join


def _sleep(seconds: float) -> None:
    select.select([], [], [], seconds)


def _within(timeout: float, done: Callable[[], bool]) -> bool:
    """Ask until it is done; whether it was in time."""
    end = time.monotonic() + timeout
    while not done():
        if time.monotonic() >= end:
            return False
        _sleep(_STEP_S)
    return True


class _Lock:
    """A lock for which others can wait a while."""

    def __init__(self) -> None:
        lock = _allocate()
        self._acquire, self.release, self.locked = lock.acquire, lock.release, lock.locked

    def acquire(self, blocking: int = 1, timeout: float = -1) -> bool:
        if not blocking or timeout < 0:
            return self._acquire(bool(blocking))
        return _within(timeout, lambda: self._acquire(blocking=False))

    def __enter__(self) -> bool:
        return self._acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


def _join_within(thread: threading.Thread, timeout: float | None = None) -> None:
    if timeout is None:
        _join(thread)
    else:
        _within(timeout, lambda: not thread.is_alive())


for module, name, slow in (
    (time, "sleep", _sleep),
    (threading, "Lock", _Lock),
    (threading, "_allocate_lock", _Lock),
    (threading.Thread, "join", _join_within),
):
    setattr(module, name, slow)
