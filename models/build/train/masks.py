"""Soft masks of the parts of a stored crop: face and head, what covers them, one side of a line.

All are float32 from 0 to 1, ``(n, 128, 128)``, drawn once from a seed of their own.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.build.train.networks import SIZE

if TYPE_CHECKING:
    from numpy.typing import NDArray

STORED = 128  # side of a stored crop, whose centre is the template
RIM = (STORED - SIZE) // 2

Range = tuple[float, float]


def _ovals(
    seed: int, x: Range, y: Range, width: Range, height: Range, turn: float = 4
) -> NDArray[np.float32]:
    """Return 24 soft ovals: centres and half axes from the ranges, in pixels; degrees to +-turn."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((24, STORED, STORED), np.float32)
    for mask in masks:
        centre = (rng.uniform(*x), rng.uniform(*y))
        axes = (2 * rng.uniform(*width), 2 * rng.uniform(*height))
        cv2.ellipse(mask, (centre, axes, rng.uniform(-turn, turn)), 1.0, -1)
        cv2.GaussianBlur(mask, (0, 0), rng.uniform(1.5, 5), dst=mask)
    return masks


@lru_cache(maxsize=1)
def face() -> NDArray[np.float32]:
    """Return soft ovals ``(24, 128, 128)`` that hold the part of a stored crop that is real.

    Above the brows and beside the cheeks most stored crops only repeat the rim of a tight photo.
    """
    return _ovals(0, (61.5, 65.5), (82, 87), (31, 40), (42, 48))


@lru_cache(maxsize=1)
def head() -> NDArray[np.float32]:
    """Return soft ovals ``(24, 128, 128)`` that hold a head with its hair."""
    return _ovals(2, (58, 69), (68, 78), (42, 58), (54, 68))


@lru_cache(maxsize=1)
def patch() -> NDArray[np.float32]:
    """Return soft ovals ``(24, 128, 128)`` of what may cover a part of a face."""
    return _ovals(3, (10, 118), (20, 125), (8, 30), (8, 30))


@lru_cache(maxsize=1)
def arm() -> NDArray[np.float32]:
    """Return soft long ovals ``(24, 128, 128)`` across a part of a face."""
    return _ovals(4, (10, 118), (30, 130), (10, 22), (60, 90), turn=90)


@lru_cache(maxsize=1)
def brim() -> NDArray[np.float32]:
    """Return soft ovals ``(24, 128, 128)`` over forehead and hair."""
    return _ovals(5, (54, 74), (-8, 6), (55, 90), (34, 52), turn=12)


@lru_cache(maxsize=1)
def scarf() -> NDArray[np.float32]:
    """Return soft ovals ``(24, 128, 128)`` over mouth and chin."""
    return _ovals(6, (54, 74), (118, 132), (40, 70), (24, 42), turn=12)


@lru_cache(maxsize=1)
def glasses() -> NDArray[np.float32]:
    """Return soft masks ``(48, 128, 128)`` of two lenses or their rims, a bridge and temples."""
    rng = np.random.default_rng(7)
    masks = np.zeros((48, STORED, STORED), np.float32)
    middle, eyes, apart = 55.9 + RIM, 51.6 + RIM, 17.6  # of ArcFace's template
    for mask in masks:
        x, y = middle + rng.uniform(-3, 3), eyes + rng.uniform(-2, 5)
        wide, high = rng.uniform(12, 17), rng.uniform(7.5, 14)
        thick = int(rng.integers(1, 4))
        level = round(y - rng.uniform(0.0, 0.7) * high)
        cv2.line(mask, (round(x) - 50, level), (round(x) + 50, level), 1.0, thick)
        fill = -1 if rng.random() < 0.7 else thick
        oval = rng.random() < 0.6
        for side in (-1, 1):
            centre = (x + side * (apart + rng.uniform(-1, 2)), y)
            if oval:
                slant = side * rng.uniform(0, 12)
                cv2.ellipse(mask, (centre, (2 * wide, 2 * high), slant), 1.0, fill)
            else:
                corner = (round(centre[0] - wide), round(y - high))
                size = (round(2 * wide), round(2 * high))
                cv2.rectangle(mask, (*corner, *size), 1.0, fill)
        cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.5, 1.5), dst=mask)
    return masks


@lru_cache(maxsize=1)
def surgical() -> NDArray[np.float32]:
    """Return soft masks ``(48, 128, 128)`` of a surgical mask from the nose to below the chin."""
    rng = np.random.default_rng(8)
    masks = np.zeros((48, STORED, STORED), np.float32)
    for mask in masks:
        x, top, chin = 64 + rng.uniform(-4, 4), rng.uniform(68, 90), rng.uniform(114, 126)
        wide, deep = rng.uniform(30, 46), rng.uniform(2, 12)  # half of it; how far the sides hang
        narrow = wide * rng.uniform(0.45, 0.8)
        corners = [(x - wide, top + deep), (x, top), (x + wide, top + deep), (x + wide, chin - 14)]
        corners += [(x + narrow, chin), (x - narrow, chin), (x - wide, chin - 14)]
        cv2.fillPoly(mask, [np.array(corners, np.int32)], 1.0)
        for side in (-1, 1):  # the loops around the ears
            end = (round(x + side * 62), round(top - rng.uniform(0, 12)))
            cv2.line(mask, (round(x + side * wide), round(top + deep)), end, 0.8, 1)
        cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.6, 1.6), dst=mask)
    return masks


@lru_cache(maxsize=1)
def motions() -> NDArray[np.float32]:
    """Return kernels ``(48, 17, 17)`` of straight and slightly bent motion, 3 to 16 pixels long."""
    rng = np.random.default_rng(9)
    kernels = np.zeros((48, 17, 17), np.float32)
    for kernel in kernels:
        length, angle = rng.uniform(3, 16), rng.uniform(0, np.pi)
        ends = np.array([np.cos(angle), np.sin(angle)]) * length / 2
        bend = rng.normal(0, 0.08 * length, 2)
        path = np.array([-ends, bend, ends]) + 8
        eighths = np.round(path * 8).astype(np.int32)
        cv2.polylines(kernel, [eighths], isClosed=False, color=1.0, lineType=cv2.LINE_AA, shift=3)
    return kernels / kernels.sum((1, 2), keepdims=True)


@lru_cache(maxsize=1)
def half_planes() -> NDArray[np.float32]:
    """Return soft masks ``(24, 128, 128)`` of one side of a line near the centre."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:STORED, :STORED] - STORED / 2
    angles = rng.uniform(0, 2 * np.pi, (24, 1, 1))
    distance = np.cos(angles) * x + np.sin(angles) * y + rng.uniform(-25, 25, (24, 1, 1))
    return (1 / (1 + np.exp(-distance / rng.uniform(1, 6, (24, 1, 1))))).astype(np.float32)
