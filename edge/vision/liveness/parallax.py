"""Flat or solid: does a face move like a picture or like a head?

Two views of a plane are related by one homography (Hartley and Zisserman, Multiple View Geometry,
2nd ed., 13.1); a nose in front of a face's plane breaks it. The statistic is the RMS distance that
the best homography (normalised DLT over all mesh points) leaves, over the face's size: the
geometric mean of its width and height.

Where it stops working: without a turn there is nothing to measure, so it is only asked after a
move; a picture wrapped around a head or a mask has parallax of its own; a film of a turning head
does too. It stops flat, still pictures.

Measured with this project's mesh: six stills turned by program up to 35 degrees leave at most 0.018
(five of them 0.016), people who turn by 16 degrees or more at least 0.024. A picture hardly gets so
far as to be asked: turned by 55 degrees, its mesh turned by less than 15.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.vision.liveness.limits import FLAT_BELOW

if TYPE_CHECKING:
    from edge.records import Floats


def parallax(first: Floats, second: Floats) -> float:
    """What one homography cannot explain between two views of a face, 0 for a plane.

    Args:
        first: `(n, 2)` points of the face, frame pixels.
        second: the same points in another frame.

    Returns:
        RMS residual over the face's size in the second view; 0 when the points are degenerate.
    """
    homography, _ = cv2.findHomography(first.astype(np.float64), second.astype(np.float64), 0)
    if homography is None:
        return 0.0
    mapped = np.column_stack([first, np.ones(len(first))]) @ homography.T
    away = np.linalg.norm(mapped[:, :2] / mapped[:, 2:] - second, axis=1)
    size = float(np.sqrt(np.prod(np.ptp(second, axis=0))))
    return float(np.sqrt(np.mean(away**2))) / max(size, 1e-6)


def is_flat(first: Floats, second: Floats) -> bool:
    """Whether two views, between which the face has turned or come closer, show a plane."""
    return parallax(first, second) < FLAT_BELOW
