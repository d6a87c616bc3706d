"""What is in a made-up room besides the device: light, a hand, walls and things."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.evaluate.attacks.plane import glare
from edge.evaluate.attacks.sitter import SIDE

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.records import Floats, Pixels

    Generator = np.random.Generator


def lamps(random: Generator) -> Floats:
    """What the front reflects: lamps, a window, the room's light, `(320, 320, 1)`."""
    light = sum((glare(random) for _ in range(random.choice([0, 1, 1, 2]))), np.float32(0))
    window = np.zeros((SIDE, SIDE), np.float32)
    if chance(random, 0.25):
        shape = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * random.uniform(40, 200, 2)
        shape = shape + random.uniform(0, 250, 2) + random.normal(0, 12, (4, 2))
        cv2.fillConvexPoly(window, shape.astype(np.int32), random.uniform(10, 90))
        window = cv2.GaussianBlur(window, (0, 0), random.uniform(1, 8))
    return np.asarray(light + window + random.uniform(0, 18), np.float32)[..., None]


def hand(random: Generator) -> Callable[[Floats, Floats], None]:
    """Fingers around one edge and a thumb on the other; they are drawn over the light."""
    tone = random.uniform(90, 235) * random.uniform((1, 0.68, 0.5), (1, 0.85, 0.75))
    left, below = chance(random, 0.5), chance(random, 0.5)
    first, thumb, reach = random.uniform((0.2, 0.4, 0.0), (0.6, 0.9, 0.6))
    count, share = int(random.integers(2, 5)), random.uniform(0.05, 0.09)

    def draw(light: Floats, corners: Floats) -> None:
        top_left, top_right, bottom_right, bottom_left = corners
        size = float(np.linalg.norm(bottom_right - top_left)) * share
        right = (top_right - top_left) / np.linalg.norm(top_right - top_left)
        down = (bottom_left - top_left) / np.linalg.norm(bottom_left - top_left)
        if below:
            tip = bottom_left + thumb * (bottom_right - bottom_left)
            _finger(light, tip + 6 * size * down, tip - reach * size * down, 1.3 * size, tone)
            return
        near, far, inwards = (top_left, top_right, right) if left else (top_right, top_left, -right)
        long = bottom_left - top_left
        for number in range(count):
            tip = near + (first + 0.085 * number) * long
            _finger(light, tip - 3 * size * inwards, tip + reach * size * inwards, size, tone)
        tip = far + thumb * long
        end = tip + size * (3 * inwards + 2 * down)
        _finger(light, end, tip - (0.2 + reach) * size * inwards, 1.2 * size, tone)

    return draw


def _finger(light: Floats, end: Floats, tip: Floats, thick: float, tone: Floats) -> None:
    mask = np.zeros((SIDE, SIDE), np.float32)
    (x0, y0), (x1, y1) = np.clip((end, tip), -2000, 2000).astype(int).tolist()
    thickness = max(3, int(thick))
    cv2.line(mask, (x0, y0), (x1, y1), 1.0, thickness, cv2.LINE_AA)
    shade = cv2.GaussianBlur(mask, (0, 0), thickness / 4)[..., None]
    mask = np.clip(mask, 0, 1)[..., None]
    light *= 1 - mask
    light += mask * np.clip(tone, 0, 255).astype(np.float32) * (0.55 + 0.45 * shade)


def room(random: Generator) -> Pixels:
    """A made-up room: walls, things and their shadows, out of focus or not."""
    ends = random.uniform(30, 220, (2, 3))
    if chance(random, 0.6):
        ends = ends.mean(axis=1, keepdims=True) + random.normal(0, 8, (2, 3))
    ramp = np.linspace(0, 1, SIDE)[:, None, None]
    wall = (1 - ramp) * ends[0] + ramp * ends[1] + np.zeros((SIDE, SIDE, 3))
    if chance(random, 0.5):
        wall = wall.transpose(1, 0, 2)
    light = np.ascontiguousarray(wall, np.float32)
    for _ in range(random.integers(0, 9)):
        _thing(random, light)
    spots = random.standard_normal((25, 25), dtype=np.float32)
    rough = cv2.resize(spots, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)[..., None]
    light = cv2.GaussianBlur(light + rough * random.uniform(0, 14), (0, 0), random.uniform(0.6, 7))
    return np.clip(light * random.choice([1, 1, random.uniform(0.15, 0.8)]), 0, 255).astype(
        np.uint8
    )


def chance(random: Generator, share: float) -> bool:
    """True as often as `share` says."""
    return bool(random.random() < share)


def _thing(random: Generator, light: Floats) -> None:
    x, y = random.integers(-80, SIDE, 2).tolist()
    width, height = random.integers(15, 220, 2).tolist()
    grey = np.full(3, random.uniform(5, 250))
    colour = grey if chance(random, 0.5) else random.uniform(5, 250, 3)
    if chance(random, 0.7):
        cv2.rectangle(light, (x, y), (x + width, y + height), colour.tolist(), -1)
    else:
        angle = random.uniform(0, 180)
        cv2.ellipse(light, (x, y), (width // 2, height // 2), angle, 0, 360, colour.tolist(), -1)
