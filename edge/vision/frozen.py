"""Is a picture the very same as the last? A sensor is never still, so then nothing is seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2

if TYPE_CHECKING:
    from edge.records import Pixels

ROWS_COMPARED = 16
"""Every so many rows, one tells."""


def differ(before: Pixels, now: Pixels) -> bool:
    """Whether these are two pictures."""
    if before.shape != now.shape or cv2.norm(before[0], now[0], cv2.NORM_INF) > 0:
        return True  # nearly always: one row tells
    return cv2.norm(before[::ROWS_COMPARED], now[::ROWS_COMPARED], cv2.NORM_INF) > 0
