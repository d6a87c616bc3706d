"""Eyelids, by one small network that looks at both eyes.

It sees a right eye, level, as many times as wide as the eye as its manifest says; a left eye is
mirrored. It has learnt from two networks that fail on different eyes (`models/cards/eyelids.md`):
one follows the lids' contour, the other one says of a patch whether the eye in it is shut.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from edge.records import EyeOpenness
from edge.vision.faces.geometry import Square, cut
from edge.vision.faces.landmarks import LEFT_EYE, RIGHT_EYE

if TYPE_CHECKING:
    from edge.records import Frame, Landmarks
    from edge.vision.models.entries import EyelidsEntry
    from edge.vision.models.model import Model


class Eyelids:
    """Measures how far both eyes are open. Cheap enough for every frame."""

    def __init__(self, model: Model[EyelidsEntry]) -> None:
        self._model = model
        self._scale = model.entry.output.crop_scale

    def measure(self, frame: Frame, landmarks: Landmarks) -> EyeOpenness:
        """Opening of both eyes (height over width), and how surely each one is shut."""
        size = self._model.size[0]
        eyes = [each.to_frame(size) for each in squares(landmarks, self._scale)]
        self._model.draw(*(partial(cut, frame.pixels, eye) for eye in eyes))
        (right, right_shut), (left, left_shut) = self._model.compute()["lids"].tolist()
        return EyeOpenness(right, left, right_shut, left_shut)


def squares(landmarks: Landmarks, scale: float) -> tuple[Square, Square]:
    """Where the right and the left eye are, so many times as wide as the eye."""
    return (
        _square(landmarks, RIGHT_EYE, scale, mirrored=False),
        _square(landmarks, LEFT_EYE, scale, mirrored=True),
    )


def _square(
    landmarks: Landmarks, corners: tuple[int, int], scale: float, *, mirrored: bool
) -> Square:
    (left, top), (right, bottom) = (landmarks.points[i, :2].tolist() for i in corners)
    side = scale * max(math.hypot(right - left, bottom - top), 1.0)
    angle = math.atan2(bottom - top, right - left)
    return Square((left + right) / 2, (top + bottom) / 2, side, angle, mirrored=mirrored)
