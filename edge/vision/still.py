"""Faces in a single picture. A film shows a face again in its next frame; a picture does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.records import Box, Face, Frame
from edge.vision.faces.geometry import Square

if TYPE_CHECKING:
    from edge.records import Pixels
    from edge.vision.faces.detector import Detector

SECOND_LOOKS = (1.6, 0.6)
"""Sides of the views tried when the whole picture shows no face, in picture sides: from further
away for a face that fills the picture, and from nearer for a small one in its middle."""


def still(pixels: Pixels) -> Frame:
    """A picture as a frame; it was taken at no particular time."""
    return Frame(pixels, captured_at=0.0, sequence=0)


def faces_in(frame: Frame, detector: Detector) -> list[Face]:
    """All faces, best first, in the picture's pixels; looks again where there seems to be none."""
    faces = detector.detect(frame)
    for scale in SECOND_LOOKS:
        if not faces:
            faces = _look_again(frame, detector, scale)
    return faces


def _look_again(frame: Frame, detector: Detector, scale: float) -> list[Face]:
    height, width = frame.pixels.shape[:2]
    side = round(scale * max(height, width))
    view = Square((width - 1) / 2, (height - 1) / 2, side)
    left, top = view.to_frame(side)[:, 2]
    crop = Frame(view.crop(frame.pixels, side), frame.captured_at, frame.sequence)
    return [_moved(face, float(left), float(top)) for face in detector.detect(crop)]


def _moved(face: Face, left: float, top: float) -> Face:
    box = Box(face.box.left + left, face.box.top + top, face.box.width, face.box.height)
    return Face(box, face.keypoints + np.array([left, top], np.float32), face.score)
