"""Telling systemd, or `edge-door run` in its place, how a program is."""

from __future__ import annotations

import contextlib
import os
import socket

SUPERVISED = "EDGE_DOOR_SUPERVISED"
"""Names the file, open in this process, in which `edge-door run` hears that it lives."""


def notify(state: str) -> None:
    """Tell systemd, if it started us with Type=notify: `READY=1`, `WATCHDOG=1`, `STOPPING=1`."""
    with contextlib.suppress(KeyError, OSError):  # it started elsewhere; it is slow, or gone
        os.write(int(os.environ[SUPERVISED]), state.encode())
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0)
        # systemd being slow or gone must not stop the guard; its own watchdog deals with that.
        with contextlib.suppress(OSError):
            sock.sendto(state.encode(), address)


def heartbeat() -> None:
    """Tell its watchdog that the program still does its work."""
    notify("WATCHDOG=1")
