"""Rotated square crops: how a region of a frame becomes a model's input, and points come back."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from edge.records import Floats, Pixels


@dataclass(frozen=True, slots=True)
class Square:
    """A rotated square in frame pixels: centre, side, rotation in radians (clockwise)."""

    x: float
    y: float
    side: float
    angle: float = 0.0
    mirrored: bool = False
    """The crop is flipped left to right."""

    def to_frame(self, size: int) -> Floats:
        """The `(2, 3)` affine map from crop pixels (a square of `size`) to frame pixels."""
        scale = self.side / size
        cos, sin = math.cos(self.angle) * scale, math.sin(self.angle) * scale
        flip = -1.0 if self.mirrored else 1.0
        # The centre of the crop lies between its middle pixels, as cv2 counts pixel centres.
        middle = (size - 1) / 2
        x = self.x - (cos * flip - sin) * middle
        y = self.y - (sin * flip + cos) * middle
        return np.array([[cos * flip, -sin, x], [sin * flip, cos, y]], np.float32)

    def crop(self, pixels: Pixels, size: int) -> Pixels:
        """Cut the square out of a frame, `(size, size, 3)`; black where it leaves the frame."""
        return cut(pixels, self.to_frame(size), np.empty((size, size, 3), np.uint8))


def cut(pixels: Pixels, to_frame: Floats, into: Pixels) -> Pixels:
    """Cut `into` out of a frame by the map from the crop to it; black outside."""
    height, width = into.shape[:2]
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return cv2.warpAffine(pixels, to_frame, (width, height), into, flags)


def halved(pixels: Pixels, width: int, height: int) -> Pixels:
    """Shrunk by halves, which is quick, until less than two pixels of a side make one of so many.

    Between the pixels that are left, `cv2.INTER_LINEAR` leaves none out.
    """
    while pixels.shape[1] >= 2 * width and pixels.shape[0] >= 2 * height:
        down, across = pixels.shape[0] // 2, pixels.shape[1] // 2
        even = pixels[: 2 * down, : 2 * across]
        pixels = cv2.resize(even, (across, down), interpolation=cv2.INTER_AREA)
    return pixels


def transform(points: Floats, affine: Floats) -> Floats:
    """Map `(n, 2)` points by a `(2, 3)` affine matrix."""
    return (points @ affine[:, :2].T + affine[:, 2]).astype(np.float32)
