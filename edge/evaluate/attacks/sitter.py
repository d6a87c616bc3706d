"""Whom attacks show: pictures and a short film of one person, cut out of a genuine clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.vision.faces.landmarks import LEFT_EYE, RIGHT_EYE

if TYPE_CHECKING:
    from edge.records import Floats, Landmarks, Pixels

SIDE = 320
"""Of every picture and frame, pixels."""
FACE_WIDTH = 140.0


@dataclass(frozen=True, slots=True, eq=False)
class Sitter:
    """Two pictures of one person, cut out alike: RGB `(320, 320, 3)`."""

    opened: Pixels
    shut: Pixels
    eyes: Floats
    """`(2, 2, 2)`: corners of the right and of the left eye in the open picture."""
    film: tuple[Pixels, ...] = ()
    """Some seconds of the person, cut out alike, with a blink; for replays."""
    film_fps: float = 0.0

    def film_at(self, t: float) -> Pixels:
        """The film's picture at a time in seconds; it runs forth and back."""
        frames = self.film or (self.opened, self.shut)
        number = int(t * (self.film_fps or 1)) % (2 * len(frames))
        return (frames + frames[::-1])[number]


def cut_out(pixels: Pixels, place: Floats) -> Pixels:
    """The face of a frame as sitters are kept; `place` comes from `placing`."""
    return cv2.warpAffine(pixels, place, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)


def placing(landmarks: Landmarks) -> Floats:
    """The affine map `(2, 3)` that brings a face to the middle, upright in its frame."""
    points = landmarks.points[:, :2]
    scale = FACE_WIDTH / float(np.ptp(points[:, 0]))
    shift = SIDE / 2 - scale * (points.min(axis=0) + points.max(axis=0)) / 2
    return np.array([[scale, 0, shift[0]], [0, scale, shift[1]]], dtype=np.float32)


def eye_corners(landmarks: Landmarks, place: Floats) -> Floats:
    """`(2, 2, 2)`: eye corners of a face that was cut out at `place`."""
    points = landmarks.points[:, :2] @ place[:, :2].T + place[:, 2]
    return np.stack([points[list(line)] for line in (RIGHT_EYE, LEFT_EYE)]).astype(np.float32)
