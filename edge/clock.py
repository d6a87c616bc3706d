"""The clocks. Durations come from the monotonic one; wall time is for people and schedules."""

from __future__ import annotations

import ctypes
import logging
import os
import secrets
import time
from functools import cache
from pathlib import Path

from edge.moment import Moment

_LIBC = ctypes.CDLL(None, use_errno=True)  # once: this is asked on every frame
_TIME_ERROR = 5  # adjtimex(2): the clock is not synchronised
_TIMEX_BYTES = 256  # struct timex is 208 bytes on 64-bit Linux

log = logging.getLogger(__name__)


def now() -> Moment:
    """What both clocks say, and whether the wall clock may be believed."""
    time.tzset()  # schedules follow the system's time zone, which may be another since the start
    return Moment(_boot_id(), time.monotonic(), time.time(), wall_trusted())


def wall_trusted() -> bool:
    """Whether the kernel says that the clock is synchronised (by NTP or PTP)."""
    buffer = ctypes.create_string_buffer(_TIMEX_BYTES)  # modes = 0: only asked, nothing set
    state = int(_LIBC.adjtimex(buffer))
    if state < 0:
        _tell_refused(os.strerror(ctypes.get_errno()))
    return 0 <= state < _TIME_ERROR


@cache
def _tell_refused(why: str) -> None:
    """Once: a sandbox or a container that forbids to ask makes every clock one that is not set."""
    log.warning("nobody may ask here whether the clock is set (%s), so it counts as not set", why)


@cache
def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:  # a sandbox that hides it: each start then counts as a boot, which locks longer
        return secrets.token_hex(16)
