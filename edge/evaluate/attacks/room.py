"""A device or a sheet of paper in a room, as a camera sees it: edges, hand, lamps, moire, noise.

Films and prints are seldom held so that they fill the frame. Around the face is then what a passive
check may go by: a bezel, the hand that holds it, a wall that does not belong to the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.evaluate.attacks.plane import glare, homography, projected
from edge.evaluate.attacks.sitter import FACE_WIDTH, SIDE

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.records import Floats, Pixels

    Generator = np.random.Generator
    Film = Callable[[Pixels, float], Pixels]
    """Films one picture at a time in seconds."""

_SHORT = 320
"""The shorter side of what is shown, in its own pixels."""
_FACE_PX = (50, 130)
"""Width of the face in the frame."""


@dataclass(frozen=True, slots=True)
class Kind:
    """What a picture is shown on; ranges to draw from."""

    aspect: tuple[float, float]
    """Width over height."""
    bezel: tuple[float, float]
    """In shorter sides."""
    held: bool
    """In a hand; else it stands."""
    lit: bool = True
    """A display; else paper."""


PHONE = Kind((0.45, 0.6), (0.01, 0.09), held=True)
PHONE_LYING = Kind((1.7, 2.2), (0.02, 0.12), held=True)
TABLET = Kind((0.65, 1.5), (0.03, 0.1), held=True)
LAPTOP = Kind((1.3, 1.8), (0.015, 0.06), held=False)
TELEVISION = Kind((1.7, 1.8), (0.005, 0.04), held=False)
PAPER = Kind((0.6, 1.5), (0.0, 0.12), held=True, lit=False)


@dataclass(frozen=True, slots=True, eq=False)
class _Body:
    """A device: the picture's way onto it, and its edges (top, bottom, left, right)."""

    width: int
    height: int
    onto: Floats
    zoom: float
    edges: tuple[int, int, int, int]
    colour: tuple[float, float, float]

    def shows(self, picture: Pixels) -> Pixels:
        """The whole front."""
        flags = cv2.INTER_AREA if self.zoom < 1 else cv2.INTER_LINEAR
        size = (self.width, self.height)
        screen = cv2.warpAffine(picture, self.onto, size, flags=flags)
        return cv2.copyMakeBorder(screen, *self.edges, cv2.BORDER_CONSTANT, value=self.colour)

    @property
    def corners(self) -> Floats:
        """Of the front."""
        top, bottom, left, right = self.edges
        width, height = left + self.width + right, top + self.height + bottom
        return np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)

    @property
    def screen(self) -> Floats:
        """Corners of the picture."""
        top, _, left, _ = self.edges
        shape = np.array([[0, 0], [1, 0], [1, 1], [0, 1]], np.float32)
        return shape * (self.width, self.height) + np.array([left, top], np.float32)


def in_a_room(random: Generator, kind: Kind) -> Film:
    """Set a scene, and the camera in it."""
    body = _body(random, kind)
    place = _placed(random, kind, body)
    curve = _display(random) if kind.lit else None
    moire = _moire(random) if kind.lit else None
    bands = _bands(random) if kind.lit else None
    behind, lamps = room(random), _lamps(random)
    hand = _hand(random) if kind.held and _chance(random, 0.75) else None
    gain, blur, noise = random.uniform((0.75, 0.2, 0.3), (1.25, 1.1, 4.0))

    def film(picture: Pixels, t: float) -> Pixels:
        onto = place(t)
        front = body.shows(picture)
        seen = projected(cv2.LUT(front, curve) if curve is not None else front, onto, behind.copy())
        light = seen.astype(np.float32)
        if moire is not None and bands is not None:
            light *= 1 + (moire(onto) * bands(t) - 1) * _inside(body.screen, onto)
        light += lamps * _inside(body.corners, onto)
        if hand is not None:
            hand(light, cv2.perspectiveTransform(body.corners[None], onto)[0])
        light = cv2.GaussianBlur(light * gain, (0, 0), blur)
        light += random.standard_normal((SIDE, SIDE, 1), dtype=np.float32) * noise
        return np.clip(light, 0, 255).astype(np.uint8)

    return film


def _body(random: Generator, kind: Kind) -> _Body:
    aspect = random.uniform(*kind.aspect)
    width, height = (_SHORT, _SHORT / aspect) if aspect < 1 else (_SHORT * aspect, _SHORT)
    whole, filling = sorted((width / SIDE, height / SIDE))
    zoom = random.choice([whole, filling]) * random.choice([1.0, 1.0, random.uniform(0.8, 1.4)])
    onto = np.array([[zoom, 0, (width - zoom * SIDE) / 2], [0, zoom, (height - zoom * SIDE) / 2]])
    edge = random.uniform(*kind.bezel) * _SHORT
    chin = edge * random.choice([1.0, 1.0, random.uniform(1, 4)]) if kind.lit else edge
    top = random.choice([edge, chin])
    dark = random.uniform(0, 35) if _chance(random, 0.75) else random.uniform(150, 250)
    grey = dark if kind.lit else random.uniform(200, 255)
    red, green, blue = (grey + random.normal(0, 4, 3)).tolist()
    edges = (int(top), int(chin), int(edge), int(edge))
    return _Body(
        int(width), int(height), onto.astype(np.float32), float(zoom), edges, (red, green, blue)
    )


def _placed(random: Generator, kind: Kind, body: _Body) -> Callable[[float], Floats]:
    """Where the front is at a time: from its pixels to the frame's."""
    size = random.uniform(*_FACE_PX) / (FACE_WIDTH * body.zoom)
    middle = body.screen.mean(axis=0)
    # `homography` turns about the middle of a picture of SIDE pixels.
    centred = np.array([[1, 0, SIDE / 2 - middle[0]], [0, 1, SIDE / 2 - middle[1]], [0, 0, 1.0]])
    steady = random.uniform(0.2, 1.5) if kind.held else 0.05
    rates, reach = random.uniform(0.2, 1.2, 5), steady * np.array((6.0, 5.0, 4.0, 6.0, 5.0))
    tilt = random.normal(0, 1, 3) * (14, 10, 7 if kind.held else 1.5)
    shift = random.uniform(-0.12, 0.12, 2) * SIDE

    def place(t: float) -> Floats:
        sway = np.sin(2 * np.pi * rates * t) * reach
        yaw, pitch, roll = tilt + sway[:3]
        x, y = shift + sway[3:]
        turned = homography((yaw, pitch, roll), (x, y), 1 / size)
        return np.asarray(turned @ centred, np.float32)

    return place


def _inside(corners: Floats, onto: Floats) -> Floats:
    """1 inside a quadrilateral of the front, 0 outside, `(320, 320, 1)`."""
    seen = cv2.perspectiveTransform(corners[None], onto)[0]
    mask = np.zeros((SIDE, SIDE), np.float32)
    fine = 4  # bits below the pixel
    cv2.fillConvexPoly(mask, np.round(seen * 2**fine).astype(np.int32), 1.0, shift=fine)
    return mask[..., None]


def _display(random: Generator) -> Pixels:
    """What a display makes of grey levels: gamma, lifted black, tint, dimmed or not."""
    levels = (np.arange(256) / 255) ** random.uniform(0.7, 1.5)
    lift = random.uniform(0, 0.08)
    tint = random.uniform((0.78, 0.88, 0.95), (1.05, 1.03, 1.22)) * random.choice(
        [1, 1, 1, 0.5, 0.7]
    )
    table = (lift + (1 - lift) * levels)[None, :, None] * tint
    return np.clip(255 * table, 0, 255).astype(np.uint8)


def _moire(random: Generator) -> Callable[[Floats], Floats]:
    """The display's grid, taken at the camera's pixels: what is finer than these beats."""
    contrast = random.choice([0.0, random.uniform(0, 0.25)])
    columns = random.uniform(150, 900)
    rows, phases = columns * random.uniform(0.9, 1.1), random.uniform(0, 2 * np.pi, 3)
    colours = random.choice([0.0, 1.0]) * np.arange(3) * 2 * np.pi / 3
    line = np.arange(SIDE, dtype=np.float64)

    def grid(onto: Floats) -> Floats:
        back = np.linalg.inv(onto.astype(np.float64))
        x, y, away = (row[0] * line[None, :] + row[1] * line[:, None] + row[2] for row in back)
        across = np.cos(2 * np.pi * columns * (x / away / _SHORT)[..., None] + phases[0] + colours)
        down = np.cos(2 * np.pi * rows * (y / away / _SHORT) + phases[1])[..., None]
        return np.asarray(1 + contrast * (0.6 * across + 0.4 * down), np.float32)

    return grid


def _bands(random: Generator) -> Callable[[float], Floats]:
    """Rows that the display was renewing while the camera looked, rolling."""
    deep = random.choice([0.0, random.uniform(0, 0.3)])
    count, speed, phase = random.uniform((0.5, -3, 0), (5, 3, 2 * np.pi))
    rows = np.arange(SIDE)[:, None, None] / SIDE
    return lambda t: np.asarray(
        1 - deep * (0.5 + 0.5 * np.sin(2 * np.pi * (count * rows - speed * t) + phase)), np.float32
    )


def _lamps(random: Generator) -> Floats:
    """What the front reflects: lamps, a window, the room's light, `(320, 320, 1)`."""
    light = sum((glare(random) for _ in range(random.choice([0, 1, 1, 2]))), np.float32(0))
    window = np.zeros((SIDE, SIDE), np.float32)
    if _chance(random, 0.25):
        shape = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * random.uniform(40, 200, 2)
        shape = shape + random.uniform(0, 250, 2) + random.normal(0, 12, (4, 2))
        cv2.fillConvexPoly(window, shape.astype(np.int32), random.uniform(10, 90))
        window = cv2.GaussianBlur(window, (0, 0), random.uniform(1, 8))
    return np.asarray(light + window + random.uniform(0, 18), np.float32)[..., None]


def _hand(random: Generator) -> Callable[[Floats, Floats], None]:
    """Fingers around one edge and a thumb on the other; they are drawn over the light."""
    tone = random.uniform(90, 235) * random.uniform((1, 0.68, 0.5), (1, 0.85, 0.75))
    left, below = _chance(random, 0.5), _chance(random, 0.5)
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
    if _chance(random, 0.6):
        ends = ends.mean(axis=1, keepdims=True) + random.normal(0, 8, (2, 3))
    ramp = np.linspace(0, 1, SIDE)[:, None, None]
    wall = (1 - ramp) * ends[0] + ramp * ends[1] + np.zeros((SIDE, SIDE, 3))
    if _chance(random, 0.5):
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


def _chance(random: Generator, share: float) -> bool:
    return bool(random.random() < share)


def _thing(random: Generator, light: Floats) -> None:
    x, y = random.integers(-80, SIDE, 2).tolist()
    width, height = random.integers(15, 220, 2).tolist()
    grey = np.full(3, random.uniform(5, 250))
    colour = grey if _chance(random, 0.5) else random.uniform(5, 250, 3)
    if _chance(random, 0.7):
        cv2.rectangle(light, (x, y), (x + width, y + height), colour.tolist(), -1)
    else:
        angle = random.uniform(0, 180)
        cv2.ellipse(light, (x, y), (width // 2, height // 2), angle, 0, 360, colour.tolist(), -1)
