"""A made-up head: solid or flat, turned as one likes, with skin that never looks quite the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edge.records import AlignedFace, EyeOpenness
from edge.vision.faces.aligner import grey_of
from edge.vision.faces.landmarks import landmarks_of
from edge.vision.liveness.continuity import patch_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.records import Floats, Landmarks

# Where the named mesh points lie on a head 2 wide, x to the image's right, y down, z away.
_NAMED = {
    33: (-0.62, -0.30, 0.10),
    133: (-0.22, -0.30, 0.00),
    362: (0.22, -0.30, 0.00),
    263: (0.62, -0.30, 0.10),
    1: (0.0, 0.10, -0.55),
    61: (-0.35, 0.50, -0.10),
    291: (0.35, 0.50, -0.10),
    10: (0.0, -1.10, 0.10),
    152: (0.0, 1.10, 0.10),
    234: (-0.95, 0.0, 0.80),
    454: (0.95, 0.0, 0.80),
}
WIDTH = 70.0  # pixels of one unit


def _solid() -> NDArray[Any]:
    random = np.random.default_rng(7)
    points = random.uniform([-0.9, -1.0, 0], [0.9, 1.0, 0], (468, 3))
    points[:, 2] = 0.9 * (points[:, 0] ** 2 + 0.4 * points[:, 1] ** 2) - 0.2
    for index, place in _NAMED.items():
        points[index] = place
    return points


SOLID = _solid()
FLAT = SOLID * [1, 1, 0]


def landmarks(
    yaw: float = 0.0,
    pitch: float = 0.0,
    scale: float = 1.0,
    shape: NDArray[Any] | None = None,
    at: tuple[float, float] = (160.0, 120.0),
) -> Landmarks:
    """The head turned: positive yaw towards the frame's left edge, positive pitch upwards."""
    y, p = np.radians([yaw, pitch])
    aside = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    lifted = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    points = (SOLID if shape is None else shape) @ aside.T @ lifted.T * WIDTH * scale
    points[:, :2] += at
    return landmarks_of(points.astype(np.float32), 1.0)


def skin(t: float, seed: int = 0, living: float = 1.0) -> AlignedFace:
    """An aligned face at time `t`; `living` is how much it changes over a second."""
    random = np.random.default_rng((seed, round(t * 1000)))
    x, y = np.arange(112)[None], np.arange(112)[:, None]
    face = 120 + 30 * np.sin(x / 9 + seed) + 30 * np.cos(y / 7 + seed)
    face += living * 12 * np.sin(x / 15 + 1.7 * t) + random.normal(0, 2, face.shape)
    return AlignedFace(np.clip(face, 0, 255).astype(np.uint8)[..., None].repeat(3, axis=2))


def patch(t: float, seed: int = 0, living: float = 1.0) -> Floats:
    """Of `skin`, what liveness compares from frame to frame."""
    return patch_of(grey_of(skin(t, seed, living)))


def lids(level: float) -> EyeOpenness:
    """Both eyes open by a share of 1, as both networks see it."""
    opening, shut = 0.05 + 0.25 * level, 5 - 9 * level
    return EyeOpenness(opening, opening, shut, shut)


def blinking(t: float, begins: float) -> float:
    """Lid level of a blink: 0.1 s down, a moment shut, 0.2 s up."""
    return float(np.interp(t - begins, [0, 0.1, 0.13, 0.33], [1, 0, 0, 1]))
