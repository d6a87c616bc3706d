"""Pictures made worse, as doors see faces: out of focus, moving, masked, against the light, ...

Every one is drawn from the face's own mesh and sizes are in distances between the eyes, so that a
degradation is equally bad whatever the picture's size.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.errors import UsageError
from edge.vision.faces.landmarks import LEFT_EYE, LOWER_FACE, RIGHT_EYE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike

    from edge.records import Landmarks, Pixels

    Degradation = Callable[[Pixels, Landmarks], Pixels]

_BLUR, _MOTION = 0.12, 0.5  # eye distances: sigma, and the way
_BLUE, _BLACK = (70, 110, 160), (15, 15, 18)
_BACK_LIGHT, _AROUND = 0.22, 235
_LENS = (0.42, 0.34)  # eye distances: half axes
_QUALITY = 12


def blur(pixels: Pixels, landmarks: Landmarks) -> Pixels:
    """Out of focus."""
    return cv2.GaussianBlur(pixels, (0, 0), _BLUR * _eyes(landmarks))


def motion(pixels: Pixels, landmarks: Landmarks) -> Pixels:
    """Moving along the line of the eyes: 25 pixels for a face of 110."""
    size = 2 * round(_MOTION * _eyes(landmarks) / 2) + 1
    kernel = np.zeros((size, size), np.float32)
    kernel[size // 2] = 1 / size
    turn = cv2.getRotationMatrix2D((size // 2, size // 2), -landmarks.roll, 1.0)
    kernel = cv2.warpAffine(kernel, turn, (size, size))
    return cv2.filter2D(pixels, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)


def mask(pixels: Pixels, landmarks: Landmarks) -> Pixels:
    """A blue surgical mask from the bridge of the nose to below the chin."""
    outline = landmarks.points[list(LOWER_FACE), :2]
    return _painted(pixels, [outline], _BLUE)


def sunglasses(pixels: Pixels, landmarks: Landmarks) -> Pixels:
    """Black lenses over both eyes."""
    eyes = _eyes(landmarks)
    axes = (round(_LENS[0] * eyes), round(_LENS[1] * eyes))
    lenses = [
        cv2.ellipse2Poly((round(float(x)), round(float(y))), axes, round(landmarks.roll), 0, 360, 8)
        for x, y in (landmarks.points[list(eye), :2].mean(axis=0) for eye in (RIGHT_EYE, LEFT_EYE))
    ]
    return _painted(pixels, lenses, _BLACK)


def back_light(pixels: Pixels, landmarks: Landmarks) -> Pixels:
    """A bright window behind a dark face."""
    inside = np.zeros(pixels.shape[:2], np.float32)
    hull = cv2.convexHull(np.rint(landmarks.points[:, :2]).astype(np.int32))
    cv2.fillConvexPoly(inside, hull, 1.0)
    inside = cv2.GaussianBlur(inside, (0, 0), 0.1 * _eyes(landmarks))[..., np.newaxis]
    dark = pixels * np.float32(_BACK_LIGHT)
    bright = pixels * 0.3 + np.float32(0.7 * _AROUND)
    return np.clip(dark * inside + bright * (1 - inside), 0, 255).astype(np.uint8)


def upside_down(pixels: Pixels, landmarks: Landmarks) -> Pixels:
    """The camera hangs the wrong way round."""
    del landmarks
    return np.ascontiguousarray(pixels[::-1, ::-1])


def compressed(pixels: Pixels, landmarks: Landmarks) -> Pixels:
    """JPEG at its worst."""
    del landmarks
    _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)


def small(width: int) -> Degradation:
    """Further away: the face `width` pixels wide."""

    def shrunk(pixels: Pixels, landmarks: Landmarks) -> Pixels:
        across = np.ptp(landmarks.points[:, 0])
        scale = min(1.0, width / float(across))
        return cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)

    return shrunk


def both(first: Degradation, then: Degradation) -> Degradation:
    """One after the other."""
    return lambda pixels, landmarks: then(first(pixels, landmarks), landmarks)


DEGRADATIONS: dict[str, Degradation] = {
    "blur": blur,
    "motion": motion,
    "mask": mask,
    "sunglasses": sunglasses,
    "back light": back_light,
    "upside down": upside_down,
    "jpeg": compressed,
    "80 px": small(80),
    "64 px": small(64),
    "48 px": small(48),
    "mask and sunglasses": both(mask, sunglasses),
    "mask and back light": both(mask, back_light),
    "motion and back light": both(back_light, motion),
    "sunglasses and blur": both(sunglasses, blur),
    "64 px and motion": both(motion, small(64)),
}


def degradations(names: Sequence[str]) -> dict[str, Degradation]:
    """The degradations of these names; of none all.

    Raises:
        UsageError: there is no such degradation.
    """
    for name in names:
        if name not in DEGRADATIONS:
            raise UsageError(f"there is no degradation {name!r}: {', '.join(DEGRADATIONS)}")
    return {name: DEGRADATIONS[name] for name in names or DEGRADATIONS}


def _eyes(landmarks: Landmarks) -> float:
    """Distance between the eyes, pixels."""
    return float(np.linalg.norm(landmarks.five[1] - landmarks.five[0]))


def _painted(pixels: Pixels, outlines: Sequence[ArrayLike], colour: tuple[int, int, int]) -> Pixels:
    """Painted over, with a soft edge, keeping a little of the light that falls there."""
    where = np.zeros(pixels.shape[:2], np.float32)
    cv2.fillPoly(where, [np.rint(outline).astype(np.int32) for outline in outlines], 1.0)
    where = cv2.GaussianBlur(where, (0, 0), 1.0)[..., np.newaxis]
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)[..., np.newaxis] / np.float32(255)
    paint = np.array(colour, np.float32) * (0.8 + 0.2 * grey)
    return np.rint(pixels * (1 - where) + paint * where).astype(np.uint8)
