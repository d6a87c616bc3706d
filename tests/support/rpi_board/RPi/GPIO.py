"""A stand-in for RPi.GPIO in another process: levels are files, and stay when the process dies."""

from __future__ import annotations

import os
import time
from pathlib import Path

BCM, OUT, IN, FALLING = 11, 0, 1, 32
PUD_OFF, PUD_DOWN, PUD_UP = 20, 21, 22
BOARD = Path(os.environ["EDGE_DOOR_RPI_BOARD"])


def setmode(mode: int) -> None:
    assert mode == BCM


def setup(channel: int, direction: int, *, initial: int = 0, pull_up_down: int = PUD_OFF) -> None:
    level = BOARD / str(channel)
    if direction == OUT:
        output(channel, initial)
    elif not level.exists():
        level.write_text(str(int(pull_up_down == PUD_UP)))


def output(channel: int, level: int) -> None:
    with (BOARD / "trace").open("a") as trace:
        trace.write(f"{time.monotonic()} {channel} {level} {os.getpid()}\n")
    (BOARD / str(channel)).write_text(str(level))


# The name is the library's.
def input(channel: int) -> int:  # noqa: A001
    return int((BOARD / str(channel)).read_text() or 0)


def cleanup(channel: int) -> None:
    del channel
