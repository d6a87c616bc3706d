"""A device or a sheet of paper in a room, as a camera sees it: edges, hand, lamps, moire, noise.

Films and prints are seldom held so that they fill the frame. Around the face is then what a passive
check may go by: a bezel, the hand that holds it, a wall that does not belong to the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.evaluate.attacks import things
from edge.evaluate.attacks.plane import homography, projected
from edge.evaluate.attacks.sitter import FACE_WIDTH, SIDE
from edge.records import Box

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.records import Floats, Pixels

    Generator = np.random.Generator

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


@dataclass(frozen=True, slots=True, eq=False)
class _Display:
    """How a lit picture differs from the picture."""

    curve: Pixels
    moire: Callable[[Floats], Floats]
    bands: Callable[[float], Floats]

    @classmethod
    def draw(cls, random: Generator) -> _Display:
        """One at random."""
        return cls(_curve(random), _moire(random), _bands(random))


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A device in a room before a camera."""

    body: _Body
    place: Callable[[float], Floats]
    """Where the front is at a time: from its pixels to the frame's, `(3, 3)`."""
    display: _Display | None
    """None: paper."""
    behind: Pixels
    lamps: Floats
    hand: Callable[[Floats, Floats], None] | None
    gain: float
    blur: float
    noise: float
    random: Generator

    def film(self, picture: Pixels, t: float) -> Pixels:
        """What the camera sees of a picture that is shown at `t` seconds."""
        onto, front = self.place(t), self.body.shows(picture)
        if self.display is not None:
            front = cv2.LUT(front, self.display.curve)
        light = projected(front, onto, self.behind.copy()).astype(np.float32)
        if self.display is not None:
            shine = self.display.moire(onto) * self.display.bands(t)
            light *= 1 + (shine - 1) * _inside(self.body.screen, onto)
        light += self.lamps * _inside(self.body.corners, onto)
        if self.hand is not None:
            self.hand(light, cv2.perspectiveTransform(self.body.corners[None], onto)[0])
        light = cv2.GaussianBlur(light * self.gain, (0, 0), self.blur)
        light += self.random.standard_normal((SIDE, SIDE, 1), dtype=np.float32) * self.noise
        return np.clip(light, 0, 255).astype(np.uint8)

    def box(self, box: Box, t: float) -> Box:
        """Where a square of the picture is in the frame at `t` seconds, about."""
        top, _, left, _ = self.body.edges
        (x, y), side = box.centre, box.width
        ends = np.array([[x, y], [x - side / 2, y], [x + side / 2, y]])
        front = ends @ self.body.onto[:, :2].T + self.body.onto[:, 2] + (left, top)
        seen = cv2.perspectiveTransform(front[None].astype(np.float32), self.place(t))[0]
        (x, y), side = seen[0].tolist(), float(np.linalg.norm(seen[2] - seen[1]))
        return Box(x - side / 2, y - side / 2, side, side)


def scene(random: Generator, kind: Kind) -> Scene:
    """Set up a scene."""
    body = _body(random, kind)
    gain, blur, noise = random.uniform((0.75, 0.2, 0.3), (1.25, 1.1, 4.0)).tolist()
    return Scene(
        body=body,
        place=_placed(random, kind, body),
        display=_Display.draw(random) if kind.lit else None,
        behind=things.room(random),
        lamps=things.lamps(random),
        hand=things.hand(random) if kind.held and things.chance(random, 0.75) else None,
        gain=gain,
        blur=blur,
        noise=noise,
        random=random,
    )


def _body(random: Generator, kind: Kind) -> _Body:
    aspect = random.uniform(*kind.aspect)
    width, height = (_SHORT, _SHORT / aspect) if aspect < 1 else (_SHORT * aspect, _SHORT)
    whole, filling = sorted((width / SIDE, height / SIDE))
    zoom = random.choice([whole, filling]) * random.choice([1.0, 1.0, random.uniform(0.8, 1.4)])
    onto = np.array([[zoom, 0, (width - zoom * SIDE) / 2], [0, zoom, (height - zoom * SIDE) / 2]])
    edge = random.uniform(*kind.bezel) * _SHORT
    chin = edge * random.choice([1.0, 1.0, random.uniform(1, 4)]) if kind.lit else edge
    top = random.choice([edge, chin])
    dark = random.uniform(0, 35) if things.chance(random, 0.75) else random.uniform(150, 250)
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


def _curve(random: Generator) -> Pixels:
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
