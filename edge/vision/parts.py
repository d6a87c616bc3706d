"""A picture shown to the detector in parts, for faces that are small in it.

A detector is sure of a face that is some pixels wide in its own small input: of a group picture it
sees nobody. Shown in parts that overlap, each time smaller ones, everybody is large in some part.
Chosen on pictures composed of LFW's people from A to J; `python -m tests.faces.groups` measures on
the others.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from edge.records import Box, Face, Frame

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edge.vision.faces.detector import Detector

SURE_PX = 20
"""Width of a face in the detector's input from which on it is found."""
LEAST_PX, LEAST_SHARE = 48, 1 / 60
"""Nobody narrower is sought: in pixels, where the door's judging begins, and, since a large picture
has many parts, of its longer side."""
OVERLAP = 0.3
"""Of two parts side by side."""
PRESENCE = 0.999
"""Of the mesh, for what a part alone shows: many parts show many things. It was above 0.999999 for
96 faces of 50 to 100 pixels, and at most 0.992 in 16 pictures without a face (scikit-image's)."""
SAME = 0.5
"""Share of the smaller of two boxes from which on both are one face."""


def sure_width(side: float, detector: Detector) -> float:
    """How wide a face must be to be found in a view of this side, in the picture's pixels."""
    return side * SURE_PX / detector.size


def sides_of_parts(frame: Frame, detector: Detector) -> list[float]:
    """How large the parts are each time, the largest first; none where the whole is enough."""
    longest = max(frame.pixels.shape[:2])
    least = max(LEAST_PX, LEAST_SHARE * longest)
    times = sure_width(longest, detector) / least
    looks = max(0, math.ceil(math.log2(times)))
    return [longest / times ** (look / looks) for look in range(1, looks + 1)]


def faces_in_parts(frame: Frame, detector: Detector, side: float) -> Iterator[Face]:
    """What the parts of one size show, in the picture's pixels; a face may be in several."""
    height, width = frame.pixels.shape[:2]
    whole = round(side)
    for top in _starts(height, whole):
        for left in _starts(width, whole):
            part = frame.pixels[top : top + whole, left : left + whole]
            for face in detector.detect(Frame(part, frame.captured_at, frame.sequence)):
                yield moved(face, left, top)


def moved(face: Face, left: float, top: float, scale: float = 1.0) -> Face:
    """A face of a view whose corner lies there, and whose pixels are so many of the picture's."""
    at, size = (face.box.left, face.box.top), (face.box.width, face.box.height)
    box = Box(left + scale * at[0], top + scale * at[1], scale * size[0], scale * size[1])
    return Face(box, scale * face.keypoints + np.array([left, top], np.float32), face.score)


def distinct(faces: Iterable[Face]) -> list[Face]:
    """Each face once, as the view showed it that was surest of it; the surest first."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda each: each.score, reverse=True):
        if not any(_shared(face.box, other.box) > SAME for other in kept):
            kept.append(face)
    return kept


def _starts(length: int, side: int) -> list[int]:
    """Where parts begin that cover a length evenly."""
    steps = max(0, math.ceil((length - side) / (side * (1 - OVERLAP))))
    return [round(step * (length - side) / steps) for step in range(steps + 1)] if steps else [0]


def _shared(one: Box, other: Box) -> float:
    """Intersection over the smaller of the two, 0-1."""
    w = min(one.left + one.width, other.left + other.width) - max(one.left, other.left)
    h = min(one.top + one.height, other.top + other.height) - max(one.top, other.top)
    smaller = min(one.width * one.height, other.width * other.height)
    return max(0.0, w) * max(0.0, h) / smaller if smaller > 0 else 0.0
