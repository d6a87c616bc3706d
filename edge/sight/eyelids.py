"""Eyelids: the iris network's eye contour (Ablavatski et al. 2020, arXiv:2006.11341).

The network sees a right eye, 64x64, level, 2.3 times as wide as the eye; a left eye is mirrored.
Of the 71 contour points, 0 is the outer and 8 the inner corner, 1-7 follow the lower lid and 9-15
the upper one, both from outside to inside.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.records import EyeOpenness
from edge.sight.geometry import Square
from edge.sight.landmarks import LEFT_EYE, RIGHT_EYE

if TYPE_CHECKING:
    from edge.records import Floats, Frame, Landmarks
    from edge.sight.tflite import Model

OUTER, INNER = 0, 8
# The middle five pairs: near the corners the lids meet, open or closed.
LOWER_LID, UPPER_LID = slice(2, 7), slice(10, 15)


class Eyelids:
    """Measures how far both eyes are open. Cheap enough for every frame."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._points = int(model.entry.output["points"])
        self._crop_scale = float(model.entry.output["crop_scale"])

    def measure(self, frame: Frame, landmarks: Landmarks) -> EyeOpenness:
        """Opening of both eyes, each its height over its width."""
        return EyeOpenness(
            right=self._opening(frame, landmarks, RIGHT_EYE, mirrored=False),
            left=self._opening(frame, landmarks, LEFT_EYE, mirrored=True),
        )

    def _opening(
        self, frame: Frame, landmarks: Landmarks, corners: tuple[int, int], *, mirrored: bool
    ) -> float:
        first, second = landmarks.points[list(corners), :2]
        x, y = (first + second) / 2
        across = second - first
        side = self._crop_scale * max(float(np.hypot(*across)), 1.0)
        angle = float(np.arctan2(across[1], across[0]))
        eye = Square(float(x), float(y), side, angle, mirrored=mirrored)
        crop = eye.crop(frame.pixels, self._model.size[0])
        contour = self._model.run(crop)["contour"].reshape(self._points, 3)[:, :2]
        return opening(contour)


def opening(contour: Floats) -> float:
    """Height over width of one eye from its contour `(71, 2)`, in any scale."""
    height = np.linalg.norm(contour[UPPER_LID] - contour[LOWER_LID], axis=1).mean()
    width = np.linalg.norm(contour[OUTER] - contour[INNER])
    return float(height / max(float(width), 1e-6))
