"""Holding the lock's lines: alone, before all other work, and with a warden."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import time
from typing import TYPE_CHECKING

from edge.door.outputs import Outputs
from edge.door.pins import open_pins
from edge.door.warden import Warden, drive_off
from edge.dumps import leave_no_core_dump
from edge.errors import PinError, WireError, reason_of
from edge.folders import make_folder

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.door.pins import Pins
    from edge.door.settings import GuardSettings

TAKE_OVER_S = 2.0
"""How long a starting guard waits for the one before it and its warden to end."""


def _only_guard(run: str) -> None:
    """Hold the lock file for as long as this guard or its warden lives.

    Raises:
        WireError: another guard serves this door.
    """
    path = f"{run}/door.lock"
    try:
        make_folder(run)
        # Of mode 0600: who could open it could keep every guard from starting.
        lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise WireError(
            f"cannot use {path}: {reason_of(error)}. If a guard of another user left it, remove "
            "it; else set paths.run"
        ) from error
    deadline = time.monotonic() + TAKE_OVER_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                raise WireError(f"another guard serves {run}; stop that one first") from error
            time.sleep(0.02)
        else:
            return


def _first_in_line() -> None:
    """Ask the kernel for what keeps the end of a pulse and of this process on time.

    Inference can keep every core busy, so guard and warden go before it: real time where that is
    allowed (root, or LimitRTPRIO=1), else by the weight that its unit has. A guard that spins is
    killed by the warden. A core dump would hold the lines until it is written. And Ctrl-Z would
    stop guard and warden at once.
    """
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    leave_no_core_dump()


@contextlib.contextmanager
def lock_lines(settings: GuardSettings) -> Iterator[tuple[Pins, Outputs, Warden]]:
    """The lock's lines, locked, with a warden that drives them off if this process cannot.

    Raises:
        PinError, WireError: they are not to be had, or another guard serves this door.
    """
    _first_in_line()
    _only_guard(settings.run)
    warden = Warden(settings)
    pins = open_pins(settings)
    try:
        outputs = Outputs(pins, settings)
        warden.arm()
        yield pins, outputs, warden
    except BaseException:
        # Whatever it was, memory included: off, and the warden makes sure of it.
        with contextlib.suppress(PinError):
            pins.close()
        warden.abandon()
        raise
    pins.close()
    warden.dismiss()


def release(settings: GuardSettings) -> None:
    """Drive the lock's lines off, after a guard and its warden that may not have come to it.

    Raises:
        PinError: a line cannot be claimed.
        WireError: a guard still serves this door; its lines are its own.
    """
    _only_guard(settings.run)
    drive_off(open_pins(settings), settings)
