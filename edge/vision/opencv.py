"""How OpenCV is set while we use it: fast for small crops, and put back in a process of others."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    from collections.abc import Iterator

_LOG_ERRORS = 2
# Where it is since OpenCV 4.12; before, it is the package's own.
_logging = getattr(cv2.utils, "logging", cv2)


def settle() -> None:
    """Set OpenCV for this process, which is ours."""
    # Crops are small: handing one to other threads takes longer than cutting it out.
    cv2.setNumThreads(1)
    # On x86-64 OpenCV cuts them out in two thirds of the time if a grey level may round otherwise.
    cv2.ipp.setUseIPP_NotExact(True)
    # Of a camera that falls silent we tell ourselves.
    _logging.setLogLevel(_LOG_ERRORS)


@contextmanager
def settled() -> Iterator[None]:
    """Set OpenCV for a call, and leave a host process as it was."""
    threads, inexact = cv2.getNumThreads(), cv2.ipp.useIPP_NotExact()
    level = _logging.getLogLevel()
    settle()
    try:
        yield
    finally:
        cv2.setNumThreads(threads)
        cv2.ipp.setUseIPP_NotExact(inexact)
        _logging.setLogLevel(level)
