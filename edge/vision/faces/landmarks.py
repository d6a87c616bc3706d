"""The 468-point face mesh (Kartynnik et al. 2019, arXiv:1907.06724), five points and head pose."""

from __future__ import annotations

import math
from functools import partial
from operator import sub
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.records import Landmarks
from edge.vision.faces.geometry import Square, cut

if TYPE_CHECKING:
    from edge.records import Face, Floats, Frame
    from edge.vision.models.entries import LandmarksEntry
    from edge.vision.models.model import Model

# Mesh indices. "Right" and "left" are the person's own.
RIGHT_EYE = (33, 133)  # outer and inner corner
LEFT_EYE = (362, 263)  # inner and outer corner
NOSE_TIP, NOSE_BASE = 1, 2
MOUTH = (61, 291)  # right and left corner
FOREHEAD, CHIN = 10, 152
RIGHT_CHEEK, LEFT_CHEEK = 234, 454  # at the ears
LOWER_FACE = (
    *(197, 329, 280, 352, 323, 361, 288, 397, 365, 379, 378, 400, 377, 152),
    *(148, 176, 149, 150, 136, 172, 58, 132, 93, 123, 50, 100),
)
"""What a mask covers: from the bridge of the nose along the left jaw to the chin and back."""
_NAMED = np.array([*RIGHT_EYE, *LEFT_EYE, NOSE_TIP, *MOUTH, FOREHEAD, CHIN])


class Mesh:
    """Finds the mesh of one detected face."""

    def __init__(self, model: Model[LandmarksEntry]) -> None:
        self._model = model
        self._points = model.entry.output.points
        self._crop_scale = model.entry.output.crop_scale

    def locate(self, frame: Frame, face: Face) -> Landmarks:
        """The mesh of `face` in frame pixels; `presence` says how surely a face is there."""
        right, left = face.keypoints[0], face.keypoints[1]
        x, y = face.box.centre
        side = self._crop_scale * max(face.box.width, face.box.height)
        angle = math.atan2(left[1] - right[1], left[0] - right[0])
        size = self._model.size[0]
        to_frame = Square(x, y, side, angle).to_frame(size)
        self._model.draw(partial(cut, frame.pixels, to_frame))
        out = self._model.compute()
        presence = _sigmoid(out["presence"].item())
        raw = out["landmarks"].reshape(1, self._points, 3)
        # x and y go to the frame, z keeps their scale.
        (a, b, x), (c, d, y) = to_frame.tolist()
        in_space = np.array([[a, b, 0, x], [c, d, 0, y], [0, 0, side / size, 0]], np.float32)
        return landmarks_of(cv2.transform(raw, in_space)[0], presence)


def landmarks_of(points: Floats, presence: float) -> Landmarks:
    """Five points and pose from the mesh `(468, 3)` in frame pixels.

    Pose comes from the mesh's own depth: the line through the outer eye corners gives yaw and
    roll, the line from forehead to chin gives pitch.
    """
    right, inner_right, inner_left, left, *others = points.take(_NAMED, axis=0).tolist()
    nose, mouth_right, mouth_left, forehead, chin = others
    across, down = list(map(sub, left, right)), list(map(sub, chin, forehead))
    eyes = _middle(right, inner_right), _middle(inner_left, left)
    five = np.array([*eyes, nose, mouth_right, mouth_left], np.float32)
    return Landmarks(
        points=points,
        presence=presence,
        five=five[:, :2],
        yaw=math.degrees(math.atan2(-across[2], math.hypot(across[0], across[1]))),
        pitch=math.degrees(math.atan2(-down[2], math.hypot(down[0], down[1]))),
        roll=math.degrees(math.atan2(across[1], across[0])),
    )


def _middle(one: list[float], other: list[float]) -> list[float]:
    return [(a + b) / 2 for a, b in zip(one, other, strict=True)]


def _sigmoid(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(logit, -50.0)))
