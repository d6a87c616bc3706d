"""Eyelids, by two networks that fail on different eyes.

One follows the eye's contour (Ablavatski et al. 2020, arXiv:2006.11341): it sees a right eye,
64x64, level, 2.3 times as wide as the eye; a left eye is mirrored. Of its 71 contour points, 0 is
the outer and 8 the inner corner, 1-7 follow the lower lid and 9-15 the upper one, both from outside
to inside. The other one, our own, says of a small patch whether the eye in it is shut.
"""

from __future__ import annotations

import math
from statistics import fmean
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.records import EyeOpenness
from edge.vision.faces.geometry import Square
from edge.vision.faces.landmarks import LEFT_EYE, RIGHT_EYE

if TYPE_CHECKING:
    from edge.records import Floats, Frame, Landmarks, Pixels
    from edge.vision.models.entries import EyelidsEntry, ShutEyesEntry
    from edge.vision.models.model import Model

OUTER, INNER = 0, 8
# The middle five pairs: near the corners the lids meet, open or closed.
LOWER_LID, UPPER_LID = slice(2, 7), slice(10, 15)


class Eyelids:
    """Measures how far both eyes are open. Cheap enough for every frame."""

    def __init__(self, contour: Model[EyelidsEntry], shut: Model[ShutEyesEntry]) -> None:
        self._contour = contour
        self._shut = shut
        self._points = contour.entry.output.points
        self._crop_scale = contour.entry.output.crop_scale
        self._patch_share = shut.entry.output.crop_scale / self._crop_scale

    def measure(self, frame: Frame, landmarks: Landmarks) -> EyeOpenness:
        """Opening of both eyes, and how surely each one is shut."""
        # First every view, then every network, then the rest: a network leaves nothing of the frame
        # and little of this program in the cache.
        size = self._contour.size[0]
        eyes = [square.crop(frame.pixels, size) for square in self._squares(landmarks)]
        patches = [self._patch(eye) for eye in eyes]
        contours = self._contour.run(*eyes)["contour"]
        shut = self._shut.run(*patches)["shut"]
        right, left = (opening(each.reshape(self._points, 3)[:, :2]) for each in contours)
        return EyeOpenness(right, left, *shut.ravel().tolist())

    def _squares(self, landmarks: Landmarks) -> tuple[Square, Square]:
        """Where the right and the left eye are."""
        return (
            self._square(landmarks, RIGHT_EYE, mirrored=False),
            self._square(landmarks, LEFT_EYE, mirrored=True),
        )

    def _square(self, landmarks: Landmarks, corners: tuple[int, int], *, mirrored: bool) -> Square:
        (left, top), (right, bottom) = (landmarks.points[i, :2].tolist() for i in corners)
        side = self._crop_scale * max(math.hypot(right - left, bottom - top), 1.0)
        angle = math.atan2(bottom - top, right - left)
        return Square((left + right) / 2, (top + bottom) / 2, side, angle, mirrored=mirrored)

    def _patch(self, eye: Pixels) -> Pixels:
        """The small patch that shows whether it is shut."""
        margin = round(len(eye) * (1 - self._patch_share) / 2)
        inner = eye[margin : len(eye) - margin, margin : len(eye) - margin]
        patch = cv2.resize(inner, self._shut.size, interpolation=cv2.INTER_AREA)
        return np.asarray(patch, np.uint8)


def opening(contour: Floats) -> float:
    """Height over width of one eye from its contour `(71, 2)`, in any scale."""
    height = fmean(map(math.dist, contour[UPPER_LID].tolist(), contour[LOWER_LID].tolist()))
    return height / max(math.dist(contour[OUTER].tolist(), contour[INNER].tolist()), 1e-6)
