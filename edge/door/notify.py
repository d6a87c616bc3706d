"""Telling systemd and the kernel that the guard runs."""

from __future__ import annotations

import contextlib
import os
import socket

from edge.errors import PinError


def notify(state: str) -> None:
    """Tell systemd, if it started us with Type=notify: `READY=1`, `WATCHDOG=1`, `STOPPING=1`."""
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


class KernelWatchdog:
    """A /dev/watchdog that resets the board when it is not fed."""

    def __init__(self, device: str) -> None:
        """Arm it.

        Raises:
            PinError: it is not there, in use, or not permitted.
        """
        try:
            self._device = os.open(device, os.O_WRONLY | os.O_CLOEXEC)
        except OSError as error:
            raise PinError(
                f"door.watchdog_device = {device!r}: {error.strerror}. It must exist, be writable "
                "for this user and unused; systemd uses it if RuntimeWatchdogSec is set."
            ) from error

    def feed(self) -> None:
        """Start its time again."""
        os.write(self._device, b"1")

    def disarm(self) -> None:
        """Stop it: the guard ends as intended. `V` is the kernel's word for that."""
        os.write(self._device, b"V")
        os.close(self._device)
