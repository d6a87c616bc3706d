"""The 468-point face mesh (Kartynnik et al. 2019, arXiv:1907.06724), five points and head pose."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from edge.records import Landmarks
from edge.sight.geometry import Square, transform

if TYPE_CHECKING:
    from edge.records import Face, Floats, Frame
    from edge.sight.tflite import Model

# Mesh indices. "Right" and "left" are the person's own.
RIGHT_EYE = (33, 133)  # outer and inner corner
LEFT_EYE = (362, 263)  # inner and outer corner
NOSE_TIP = 1
MOUTH = (61, 291)  # right and left corner
FOREHEAD, CHIN = 10, 152
# Each of the five points lies in the middle between two of the mesh, or is one.
_FIVE = (
    [RIGHT_EYE[0], LEFT_EYE[0], NOSE_TIP, *MOUTH],
    [RIGHT_EYE[1], LEFT_EYE[1], NOSE_TIP, *MOUTH],
)


class Mesh:
    """Finds the mesh of one detected face."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._points = int(model.entry.output["points"])
        self._crop_scale = float(model.entry.output["crop_scale"])

    def locate(self, frame: Frame, face: Face) -> Landmarks:
        """The mesh of `face` in frame pixels; `presence` says how surely a face is there."""
        right, left = face.keypoints[0], face.keypoints[1]
        x, y = face.box.centre
        side = self._crop_scale * max(face.box.width, face.box.height)
        angle = math.atan2(left[1] - right[1], left[0] - right[0])
        roi = Square(x, y, side, angle)
        size = self._model.size[0]
        out = self._model.run(roi.crop(frame.pixels, size))
        presence = _sigmoid(out["presence"].item())
        raw = out["landmarks"].reshape(self._points, 3)
        points = np.empty_like(raw)
        points[:, :2] = transform(raw[:, :2], roi.to_frame(size))
        points[:, 2] = raw[:, 2] * (side / size)
        return landmarks_of(points, presence)


def landmarks_of(points: Floats, presence: float) -> Landmarks:
    """Five points and pose from the mesh `(468, 3)` in frame pixels.

    Pose comes from the mesh's own depth: the line through the outer eye corners gives yaw and
    roll, the line from forehead to chin gives pitch.
    """
    across = (points[LEFT_EYE[1]] - points[RIGHT_EYE[0]]).tolist()
    down = (points[CHIN] - points[FOREHEAD]).tolist()
    first, second = _FIVE
    return Landmarks(
        points=points,
        presence=presence,
        five=(points[first, :2] + points[second, :2]) / 2,
        yaw=math.degrees(math.atan2(-across[2], math.hypot(across[0], across[1]))),
        pitch=math.degrees(math.atan2(-down[2], math.hypot(down[0], down[1]))),
        roll=math.degrees(math.atan2(across[1], across[0])),
    )


def _sigmoid(logit: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(logit, -50.0)))
