"""Pictures packed into one .npz: WebP or JPEG in `data[offsets[i]:offsets[i + 1]]`."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Coded = NDArray[np.uint8]


def coded(path: Path) -> list[Coded]:
    """The pictures as they are stored."""
    with np.load(path) as file:
        content, offsets = file["data"], file["offsets"]
    return np.split(content[: offsets[-1]], offsets[1:-1])


def decoded(one: Coded) -> Pixels:
    """A stored picture as RGB (h, w, 3)."""
    return np.ascontiguousarray(cv2.imdecode(one, cv2.IMREAD_COLOR)[:, :, ::-1])


def packed(path: Path) -> Iterator[Pixels]:
    """The pictures of a file, RGB."""
    return map(decoded, coded(path))
