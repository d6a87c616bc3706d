"""A flat picture turned in front of a camera, and what is laid over it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.evaluate.attacks.sitter import SIDE

if TYPE_CHECKING:
    from typing import TypeVar

    from edge.records import Floats, Pixels

    Generator = np.random.Generator
    Picture = TypeVar("Picture", Pixels, Floats)

WALL = 150
_FOCAL = 1.5 * SIDE


def paper(
    picture: Pixels,
    yaw: float,
    pitch: float,
    roll: float,
    shift: tuple[float, float] = (0.0, 0.0),
) -> Pixels:
    """A sheet of paper in front of a wall, turned by angles in degrees, as a camera sees it."""
    wall = np.full((SIDE, SIDE, 3), WALL, np.uint8)
    return projected(picture, homography((yaw, pitch, roll), shift), wall)


def homography(
    angles: tuple[float, float, float], shift: tuple[float, float], away: float = 1.0
) -> Floats:
    """From a flat picture to the frame, for a yaw, pitch and roll in degrees, `(3, 3)`.

    Facing the camera at distance 1 the picture is the frame; `shift` is in pixels of the frame.
    """
    yaw, pitch, roll = angles
    turn, _ = cv2.Rodrigues(np.radians([pitch, 0.0, roll]))
    aside, _ = cv2.Rodrigues(np.radians([0.0, yaw, 0.0]))
    rotation = turn @ aside
    middle = SIDE / 2
    camera = np.array([[_FOCAL, 0, middle + shift[0]], [0, _FOCAL, middle + shift[1]], [0, 0, 1]])
    plane = np.column_stack([rotation[:, :2], [0, 0, _FOCAL * away]])
    to_plane = np.array([[1, 0, -middle], [0, 1, -middle], [0, 0, 1.0]])
    return np.asarray(camera @ plane @ to_plane, dtype=np.float32)


def projected(picture: Picture, homography: Floats, behind: Picture) -> Picture:
    """A flat picture in front of what is behind it."""
    return cv2.warpPerspective(
        picture, homography, (SIDE, SIDE), dst=behind, borderMode=cv2.BORDER_TRANSPARENT
    )


def glare(random: Generator) -> Floats:
    """A lamp's reflection, in grey levels `(320, 320)`."""
    x, y = random.uniform(0, SIDE, 2)
    line = np.arange(SIDE)
    away = ((line - x)[None, :] / random.uniform(20, 90)) ** 2
    away = away + ((line - y)[:, None] / random.uniform(20, 90)) ** 2
    return np.asarray(random.uniform(0, 90) * np.exp(-away / 2), dtype=np.float32)
