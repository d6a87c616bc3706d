"""A program as systemd runs it: a heartbeat, and an end when it is asked for."""

from __future__ import annotations

import signal
import threading

from edge.systemd import notify


def heartbeat() -> None:
    """Tell the watchdog that the program still does its work."""
    notify("WATCHDOG=1")


def stop_on_signal() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop
