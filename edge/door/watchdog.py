"""The kernel's own watchdog: it resets a board whose guard no longer runs."""

from __future__ import annotations

import os

from edge.errors import PinError, reason_of


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
                f"door.watchdog_device = {device!r}: {reason_of(error)}. It must exist, be "
                "writable for this user and unused; systemd uses it if RuntimeWatchdogSec is set."
            ) from error

    def feed(self) -> None:
        """Start its time again."""
        os.write(self._device, b"1")

    def disarm(self) -> None:
        """Stop it: the guard ends as intended. `V` is the kernel's word for that."""
        os.write(self._device, b"V")
        os.close(self._device)
