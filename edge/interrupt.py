"""Ctrl-C, which ends a process of ours without a word. Imported before all that takes long."""

from __future__ import annotations

import os
import signal
import sys

INTERRUPTED = 130
"""128 and the signal's number, as shells have it."""
_AGAIN_S = 0.005


def end_at_once() -> None:
    """Nothing is begun yet: the next Ctrl-C, or one that was put off, ends this process.

    What is raised while others' modules are imported, some of them drop.
    """
    signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    take()


def end_in_order() -> None:
    """What was begun is cleaned up after the next one. Who must do more hears it itself."""
    for number in (signal.SIGINT, signal.SIGALRM):
        signal.signal(number, _end)
    sys.unraisablehook = _end_again


def put_off() -> None:
    """Have it wait for the program that this process becomes, or a child of it.

    Python has a handler long before the first line of that program, and it tells.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def take() -> None:
    """Hear it from now on, and the one that waited."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def _end(*_: object) -> None:
    signal.setitimer(signal.ITIMER_REAL, 0)
    sys.exit(INTERRUPTED)


def _end_again(lost: sys.UnraisableHookArgs) -> None:
    """In a destructor, or as a module's lock is let go, Python tells of the end and goes on.

    So until it is heard: one that comes just before a call that waits would wait with it.
    """
    if isinstance(lost.exc_value, SystemExit):
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_S, _AGAIN_S)
    else:
        sys.__unraisablehook__(lost)
