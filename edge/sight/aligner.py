"""Five points to the ArcFace template by a similarity transform (Umeyama 1991, PAMI 13(4))."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.records import AlignedFace

if TYPE_CHECKING:
    from edge.records import Floats, Frame, Landmarks

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


def align(frame: Frame, landmarks: Landmarks) -> AlignedFace:
    """Warp the face so that its five points fall on the template."""
    to_template = similarity(landmarks.five, ARCFACE_112)
    warped = cv2.warpAffine(frame.pixels, to_template, (SIZE, SIZE), flags=cv2.INTER_LINEAR)
    return AlignedFace(warped)


def similarity(source: Floats, target: Floats) -> Floats:
    """The `(2, 3)` rotation, uniform scale and shift that bring `source` nearest to `target`.

    Args:
        source: `(n, 2)` points.
        target: `(n, 2)` points.
    """
    mean_source, mean_target = source.mean(axis=0), target.mean(axis=0)
    a, b = source - mean_source, target - mean_target
    # In two dimensions least squares has a closed form: complex regression of b on a.
    dot = float((a * b).sum())
    cross = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum())
    norm = max(float((a * a).sum()), 1e-12)
    c, s = dot / norm, cross / norm
    rotate = np.array([[c, -s], [s, c]])
    shift = mean_target - rotate @ mean_source
    return np.hstack([rotate, shift[:, None]]).astype(np.float32)
