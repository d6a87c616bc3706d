"""Screens that are held askew, and one that is seen through a hole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.evaluate.attacks.devices import film_on_phone, film_on_tablet
from edge.evaluate.attacks.screens import replay_on_screen
from edge.evaluate.attacks.sitter import SIDE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.evaluate.attacks.sitter import Sitter
    from edge.records import Floats, Pixels

    Generator = np.random.Generator

ROLL = 15.0, 60.0
"""Degrees, to either side."""
SHEETS = ((8, 8, 8), (120, 120, 120), (150, 110, 75), (225, 225, 222))
"""Colours of cardboard."""
HOLE = 0.3, 0.45
"""Half its width, in frames; a face takes 0.22."""


def screen_askew(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """A screen that fills the frame."""
    yield from _turned(random, replay_on_screen(sitter, random, stamps))


def phone_askew(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """Held in a hand."""
    yield from _turned(random, film_on_phone(sitter, random, stamps))


def tablet_askew(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """Held in a hand."""
    yield from _turned(random, film_on_tablet(sitter, random, stamps))


def screen_behind_a_hole(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """Cardboard before the camera, out of focus, hides the edges of the screen and the room."""
    sheet = np.array(SHEETS[random.integers(len(SHEETS))])
    hole = np.zeros((SIDE, SIDE), np.float32)
    width = random.uniform(*HOLE) * SIDE
    axes = round(width), round(width * random.uniform(1.1, 1.3))
    cv2.ellipse(hole, (SIDE // 2, SIDE // 2), axes, 0, 0, 360, 1.0, -1)
    seen = cv2.GaussianBlur(hole, (0, 0), random.uniform(1.5, 6))[..., None]
    for frame in replay_on_screen(sitter, random, stamps):
        yield (frame * seen + sheet * (1 - seen)).astype(np.uint8)


def _turned(random: Generator, frames: Iterator[Pixels]) -> Iterator[Pixels]:
    roll = random.uniform(*ROLL) * random.choice((-1, 1))
    for frame in frames:
        height, width = frame.shape[:2]
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), roll, 1.0)
        turned = cv2.warpAffine(frame, turn, (width, height), borderMode=cv2.BORDER_REFLECT_101)
        yield np.asarray(turned, np.uint8)
