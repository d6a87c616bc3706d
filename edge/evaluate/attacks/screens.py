"""A film of the person on a screen that fills the frame, or all but its edge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.evaluate.attacks.plane import WALL, glare, homography, projected
from edge.evaluate.attacks.sitter import SIDE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge.evaluate.attacks.sitter import Sitter
    from edge.records import Floats, Pixels

    Generator = np.random.Generator

_BEZEL = (14, 14, 16)
AWAY = 0.95, 1.3
"""From where, as a share of the distance at which the screen fills the frame."""
NEAR = 0.8, 0.88
"""From where nothing but the screen is in view."""


def replay_on_screen(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """A film of the person, forth and back, on a screen that a hand holds before the camera."""
    yield from _shown(sitter, _screen(random, AWAY), stamps)


def replay_beyond_the_view(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """The same, so near that no edge of it tells anything."""
    yield from _shown(sitter, _screen(random, NEAR), stamps)


def _shown(
    sitter: Sitter, screen: Callable[[Pixels, float], Pixels], stamps: Floats
) -> Iterator[Pixels]:
    for t in stamps:
        yield screen(sitter.film_at(t), t)


def _screen(random: Generator, distances: tuple[float, float]) -> Callable[[Pixels, float], Pixels]:
    """A screen in a hand: its pixels beat with the camera's, its lines roll, it reflects a lamp."""
    curve, bezel = _display_curve(random), int(random.integers(6, 30))
    raster = _raster(int(random.integers(220, 420)), random.uniform(0.02, 0.2))
    to_raster = np.diag([SIDE / len(raster), SIDE / len(raster), 1.0])
    around = np.array([[1, 0, -bezel], [0, 1, -bezel], [0, 0, 1.0]])
    away, blur, held = random.uniform(*distances), random.uniform(0.3, 1.0), random.uniform(0, 1, 5)
    bands, rolls, deep = random.uniform(1, 4), random.uniform(-3, 3), random.uniform(0, 0.25)
    lamp = glare(random)[..., None]
    rows = np.arange(SIDE)[:, None, None] / SIDE

    def show(picture: Pixels, t: float) -> Pixels:
        sway = np.sin(2 * np.pi * (0.2 + held) * t) * (6, 4, 3, 5, 4)
        place = homography((sway[0], sway[1], sway[2]), (sway[3], sway[4]), away)
        lit = cv2.LUT(picture, curve)
        edged = cv2.copyMakeBorder(
            lit, bezel, bezel, bezel, bezel, cv2.BORDER_CONSTANT, value=_BEZEL
        )
        seen = projected(edged, place @ around, np.full((SIDE, SIDE, 3), WALL, np.uint8))
        grid = projected(raster, place @ to_raster, np.zeros((SIDE, SIDE, 3), np.float32))
        band = 1 - deep * (0.5 + 0.5 * np.sin(2 * np.pi * (bands * rows - rolls * t)))
        light = np.where(grid > 0, seen * grid * band, seen)  # the wall does not flicker
        light = cv2.GaussianBlur(light, (0, 0), blur) + lamp
        return np.clip(light, 0, 255).astype(np.uint8)

    return show


def _display_curve(random: Generator) -> Pixels:
    """What a screen makes of grey levels: another gamma, less red, more blue, `(1, 256, 3)`."""
    levels = (np.arange(256) / 255) ** random.uniform(0.75, 1.4)
    tint = (random.uniform(0.8, 1.0), random.uniform(0.9, 1.0), random.uniform(1.0, 1.2))
    return np.clip(255 * levels[None, :, None] * tint, 0, 255).astype(np.uint8)


def _raster(pixels: int, contrast: float) -> Floats:
    """How a screen lays out its picture: red, green and blue stripes, a dark line between rows.

    Three cells a pixel each way, mean 1. Sampled by a camera it beats with the camera's own grid.
    """
    cell = np.zeros((3, 3, 3), np.float32)
    cell[:2] = 4.5 * np.eye(3, dtype=np.float32)
    return np.tile(1 - contrast + contrast * cell, (pixels, pixels, 1))
