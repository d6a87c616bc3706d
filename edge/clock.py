"""The clocks. Durations come from the monotonic one; wall time is for people and schedules."""

from __future__ import annotations

import ctypes
import secrets
import time
from functools import cache
from pathlib import Path

from edge.moment import Moment

_LIBC = ctypes.CDLL(None)  # once: this is asked on every frame
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_TIMEX_BYTES = 256  # struct timex is 208 bytes on 64-bit Linux


def now() -> Moment:
    """What both clocks say, and whether the wall clock may be believed."""
    time.tzset()  # schedules follow the system's time zone, which may be another since the start
    return Moment(_boot_id(), time.monotonic(), time.time(), wall_trusted())


def wall_trusted() -> bool:
    """Whether the kernel says that the clock is synchronised (by NTP or PTP)."""
    buffer = ctypes.create_string_buffer(_TIMEX_BYTES)  # modes = 0: only asked, nothing set
    state = int(_LIBC.adjtimex(buffer))
    return 0 <= state < _TIME_ERROR


@cache
def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:  # a sandbox that hides it: each start then counts as a boot, which locks longer
        return secrets.token_hex(16)
