"""Brings a portrait to life: a head that sways a little, eyelids that close and open.

A portrait is a still picture, so the lids are warped: the skin between brow and lid is stretched
down over the eye, as a lid moves. This makes a stand-in for a living person where there is no
camera; it is no measure of how well liveness tells people from pictures.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from edge.records import Floats, Landmarks, Pixels

# Mesh indices along each lid, from the outer to the inner corner, and along the brow above.
_LIDS = (
    ((33, 246, 161, 160, 159, 158, 157, 173, 133), (33, 7, 163, 144, 145, 153, 154, 155, 133)),
    ((263, 466, 388, 387, 386, 385, 384, 398, 362), (263, 249, 390, 373, 374, 380, 381, 382, 362)),
)
_NOISE = 1.5
"""Of a camera indoors: the standard deviation of a pixel."""
_SHIFTS = 64
"""By so many pixels each way may the noise of a picture be moved."""
_LID_SKIN = 0.55
"""Height of the skin that stretches over the eye, in eye widths."""
_CLOSING_S, _CLOSED_S, _OPENING_S = 0.14, 0.04, 0.26
"""A spontaneous blink closes faster than it opens (VanderWerf et al. 2003)."""
BLINK_S = _CLOSING_S + _CLOSED_S + _OPENING_S


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """A still picture of one face and where its landmarks are."""

    pixels: Pixels
    landmarks: Landmarks


def closure(since_start_s: float) -> float:
    """How far the lids are closed, 0-1, so many seconds after a blink began."""
    t = since_start_s
    if t <= 0 or t >= BLINK_S:
        return 0.0
    if t < _CLOSING_S:
        return 0.5 - 0.5 * float(np.cos(np.pi * t / _CLOSING_S))
    if t < _CLOSING_S + _CLOSED_S:
        return 1.0
    return 0.5 + 0.5 * float(np.cos(np.pi * (t - _CLOSING_S - _CLOSED_S) / _OPENING_S))


def close_lids(portrait: Portrait, amount: float) -> Pixels:
    """The portrait with both lids closed by `amount`, 0-1."""
    if amount <= 0:
        return portrait.pixels
    height, width = portrait.pixels.shape[:2]
    map_x, map_y = np.meshgrid(
        np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)
    )
    for upper, lower in _LIDS:
        _stretch_lid(map_y, portrait.landmarks.points, (upper, lower), amount)
    return cv2.remap(portrait.pixels, map_x, map_y, cv2.INTER_LINEAR)


def _stretch_lid(
    map_y: Floats, points: Floats, lids: tuple[tuple[int, ...], ...], amount: float
) -> None:
    """Point the rows between brow and lid at the skin above the lid, column by column."""
    upper, lower = (points[list(lid)][:, :2] for lid in lids)
    order_u, order_l = np.argsort(upper[:, 0]), np.argsort(lower[:, 0])
    left, right = int(np.ceil(upper[:, 0].min())), int(upper[:, 0].max())
    skin = _LID_SKIN * (right - left)
    for x in range(left, right + 1):
        lid = float(np.interp(x, upper[order_u, 0], upper[order_u, 1]))
        floor = float(np.interp(x, lower[order_l, 0], lower[order_l, 1]))
        moved = lid + amount * max(floor - lid, 0.0)
        top = lid - skin
        rows = np.arange(int(np.ceil(top)), int(moved) + 1)
        # Skin near the lid's edge moves with it, skin near the brow stays.
        share = (rows - top) / (moved - top)
        map_y[rows, x] = rows - (moved - lid) * share**2


@dataclass(frozen=True, slots=True)
class Appearance:
    """Somebody in front of the camera for a while; blinks are seconds after they came."""

    seconds: float
    blinks: tuple[float, ...] = ()


class Stage:
    """Puts a portrait before a corridor, the way a camera would see it."""

    def __init__(self, size: tuple[int, int], fps: float, face_px: float, seed: int) -> None:
        """A scene of `size` (width, height) pixels, with faces `face_px` wide."""
        self._size, self._fps, self._face_px = size, fps, face_px
        self._random = np.random.default_rng(seed)
        self._corridor = _corridor(*size)
        self._noise = self._sensor_noise()

    def empty(self, seconds: float) -> Iterator[Pixels]:
        """Nobody there."""
        for _ in range(round(seconds * self._fps)):
            yield self._noisy(self._corridor)

    def play(self, portrait: Portrait, shown: Appearance) -> Iterator[Pixels]:
        """Somebody comes, sways a little, and blinks at the given times."""
        for number in range(round(shown.seconds * self._fps)):
            t = number / self._fps
            amount = max((closure(t - blink) for blink in shown.blinks), default=0.0)
            yield self.show(portrait, t, amount)

    def show(
        self, portrait: Portrait, t: float, lids: float = 0.0, tilt_deg: float = 0.0
    ) -> Pixels:
        """One picture, `t` seconds into it, with the lids closed by `lids`."""
        source = close_lids(portrait, lids)
        place = self._place(portrait, t, tilt_deg)
        flags = cv2.INTER_AREA if place[0, 0] < 1 else cv2.INTER_LINEAR
        person = cv2.warpAffine(source, place, self._size, flags=flags)
        height, width = source.shape[:2]
        mask = cv2.warpAffine(np.ones((height, width), np.uint8), place, self._size)
        return self._noisy(cv2.copyTo(person, mask, self._corridor.copy()))

    def _place(self, portrait: Portrait, t: float, tilt_deg: float) -> Floats:
        """The affine map from portrait to scene at time `t`: breathing, swaying, a slight nod."""
        points = portrait.landmarks.points[:, :2]
        middle = points.mean(axis=0)
        scale = self._face_px / float(np.ptp(points[:, 0])) * (1 + 0.012 * np.sin(1.1 * t))
        angle = tilt_deg + 1.2 * float(np.sin(0.9 * t + 0.5))
        place = cv2.getRotationMatrix2D((float(middle[0]), float(middle[1])), angle, float(scale))
        place[0, 2] += self._size[0] / 2 - middle[0] + 5 * np.sin(0.7 * t)
        place[1, 2] += self._size[1] / 2 - middle[1] + 3 * np.sin(1.3 * t + 1)
        return np.asarray(place, dtype=np.float32)

    def _sensor_noise(self) -> npt.NDArray[np.int16]:
        """`(h, w, 3)`, grey, larger than the scene: drawn for each picture it would cost most."""
        width, height = self._size
        grey = self._random.normal(0, _NOISE, (height + _SHIFTS, width + _SHIFTS))
        return np.repeat(np.rint(grey).astype(np.int16)[..., None], 3, axis=2)

    def _noisy(self, pixels: Pixels) -> Pixels:
        """Sensor noise, each time another part of it, so that no two frames are equal."""
        height, width = pixels.shape[:2]
        top, left = self._random.integers(_SHIFTS, size=2)
        noise = self._noise[top : top + height, left : left + width]
        return cv2.add(pixels, noise, dtype=cv2.CV_8U)


def _corridor(width: int, height: int) -> Pixels:
    """A plain wall with light from above and a darker floor."""
    rows = np.linspace(170, 90, height, dtype=np.float32)
    columns = 1 - 0.15 * np.abs(np.linspace(-1, 1, width, dtype=np.float32))
    wall = (rows[:, None] * columns)[..., None] * np.array([1.0, 0.97, 0.9], np.float32)
    return np.clip(wall, 0, 255).astype(np.uint8)
