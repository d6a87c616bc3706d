"""A face in a frame to the picture that an embedder was trained on.

Points go to a template by a similarity transform (Umeyama 1991, PAMI 13(4)); networks that were
trained on loose boxes get an upright square around the mesh.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.records import AlignedFace
from edge.vision.faces.geometry import Square, transform
from edge.vision.faces.landmarks import LEFT_EYE, NOSE_BASE, RIGHT_EYE
from edge.vision.models.entries import Alignment

if TYPE_CHECKING:
    from edge.records import Floats, Frame, Landmarks, Pixels

# The 112x112 template of ArcFace (Deng et al. 2019): right eye, left eye, nose, mouth corners.
ARCFACE_112 = np.array(
    [
        (38.2946, 51.6963),
        (73.5318, 51.5014),
        (56.0252, 71.7366),
        (41.5493, 92.3655),
        (70.7299, 92.2041),
    ],
    dtype=np.float32,
)
SIZE = 112
# dlib's mean face, 1 wide (King 2009), in points of our mesh: the corners of the left eye from
# outside, of the right eye from outside, and the base of the nose; medians over 41 faces that dlib
# itself cut out (its own points of these names lie up to 0.02 off). Their places in the mesh; and
# the share of that width which dlib leaves around the face.
DLIB_FACE = np.array(
    [
        (0.87803, 0.20808),
        (0.63920, 0.22632),
        (0.11437, 0.21268),
        (0.34766, 0.22802),
        (0.48957, 0.62192),
    ],
    dtype=np.float32,
)
DLIB_MESH = (LEFT_EYE[1], LEFT_EYE[0], RIGHT_EYE[0], RIGHT_EYE[1], NOSE_BASE)
DLIB_PADDING = 0.25
DLIB_CHIP = (DLIB_PADDING + DLIB_FACE) / (1 + 2 * DLIB_PADDING)  # in sides of the picture
_BOX_MARGIN = 1.25


def align(
    frame: Frame,
    landmarks: Landmarks,
    alignment: Alignment = Alignment.ARCFACE,
    size: tuple[int, int] = (SIZE, SIZE),
) -> AlignedFace:
    """Cut the face out of the frame, upright.

    Args:
        frame: Where it is.
        landmarks: In frame pixels.
        alignment: How; templates are scaled to `size`.
        size: Width and height of the result, pixels; a narrow one keeps the middle of the square.
    """
    width, height = size
    side = max(size)
    if alignment == Alignment.BOX:
        square = _around(landmarks).crop(frame.pixels, side)
    else:
        if alignment == Alignment.DLIB:
            points, target = landmarks.points.take(DLIB_MESH, axis=0)[:, :2], DLIB_CHIP * side
        else:
            points, target = landmarks.five, ARCFACE_112 * (side / SIZE)
        to_target = similarity(points, target)
        square = cv2.warpAffine(frame.pixels, to_target, (side, side), flags=cv2.INTER_LINEAR)
    left, top = (side - width) // 2, (side - height) // 2
    return AlignedFace(square[top : top + height, left : left + width])


def grey_of(face: AlignedFace) -> Pixels:
    """The face's luminance, `(h, w)` uint8."""
    return np.asarray(cv2.cvtColor(face.pixels, cv2.COLOR_RGB2GRAY), np.uint8)


def _around(landmarks: Landmarks) -> Square:
    """The square around the mesh, its sides along the line of the eyes."""
    angle = float(np.radians(landmarks.roll))
    cos, sin = np.cos(angle), np.sin(angle)
    level = np.array([[cos, sin, 0], [-sin, cos, 0]], np.float32)
    points = transform(landmarks.points[:, :2], level)
    low, high = points.min(axis=0), points.max(axis=0)
    x, y = level[:, :2].T @ ((low + high) / 2)
    return Square(float(x), float(y), _BOX_MARGIN * float((high - low).max()), angle)


def similarity(source: Floats, target: Floats) -> Floats:
    """The `(2, 3)` rotation, uniform scale and shift that bring `source` nearest to `target`.

    Args:
        source: `(n, 2)` points.
        target: `(n, 2)` points.
    """
    # In two dimensions least squares has a closed form: regression of complex numbers.
    x = [complex(*point) for point in source.tolist()]
    y = [complex(*point) for point in target.tolist()]
    middle_x, middle_y = sum(x) / len(x), sum(y) / len(y)
    away = [a - middle_x for a in x]
    norm = max(sum(abs(a) ** 2 for a in away), 1e-12)
    turn = sum(a.conjugate() * b for a, b in zip(away, y, strict=True)) / norm
    shift = middle_y - turn * middle_x
    return np.array(
        [[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]], np.float32
    )
