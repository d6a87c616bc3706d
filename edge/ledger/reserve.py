"""Room that is held back on the disk, so that a full one still takes denials."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

BYTES = 1_000_000
"""About 800 events of 400 bytes, with the log that they go through first."""


class Reserve:
    """A file that is nothing but room."""

    def __init__(self, path: Path, size: int = BYTES) -> None:
        self._path = path
        self._size = size

    def hold(self) -> bool:
        """Take the room; whether it is held. A disk that has none to give says no."""
        try:
            handle = os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        except OSError:
            return False
        try:
            if os.fstat(handle).st_size < self._size:
                os.posix_fallocate(handle, 0, self._size)
        except OSError:
            self.release()
            return False
        finally:
            os.close(handle)
        return True

    def release(self) -> bool:
        """Give the room back; whether there was any."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True
