"""Pictures on disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edge.records import Pixels


def by_name(pictures: Sequence[Pixels]) -> dict[str, Pixels]:
    """As `adopt` takes them."""
    return {f"{number}.png": picture for number, picture in enumerate(pictures)}


def save(path: Path, pixels: Pixels) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    assert cv2.imwrite(str(path), np.ascontiguousarray(pixels[:, :, ::-1]))
    return path
