"""Pictures on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from edge.records import Pixels


def save(path: Path, pixels: Pixels) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    assert cv2.imwrite(str(path), np.ascontiguousarray(pixels[:, :, ::-1]))
    return path
