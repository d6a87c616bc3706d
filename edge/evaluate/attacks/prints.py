"""Prints: the open picture on paper, turned, bent, waved, cut up. `t` runs in seconds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.evaluate.attacks.plane import paper
from edge.evaluate.attacks.sitter import SIDE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.evaluate.attacks.sitter import Sitter
    from edge.records import Floats, Pixels

    Generator = np.random.Generator


def print_turned(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """Turned and tilted slowly, up to 50 degrees."""
    reach, rate, phase = (
        random.uniform(10, 50, 2),
        random.uniform(0.1, 0.8, 3),
        random.uniform(0, 6),
    )
    for t in stamps:
        yaw, pitch = reach * np.sin(2 * np.pi * rate[:2] * t + phase)
        yield paper(sitter.opened, yaw, pitch, 8 * np.sin(2 * np.pi * rate[2] * t))


def print_tilted_fast(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """Tilted away and back as fast as a blink."""
    reach, lasts = random.uniform(30, 70), random.uniform(0.15, 0.5)
    pause, sign = random.uniform(0.5, 1.2), random.choice([-1, 1])
    for t in stamps:
        share = (t % (lasts + pause)) / lasts
        tilt = reach * np.sin(np.pi * share) if share < 1 else 0.0
        yield paper(sitter.opened, 2 * np.sin(2 * t), sign * tilt, 0)


def print_bent(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """Bent around an upright or a level axis, more and less."""
    most, rate = random.uniform(0.4, 1.6), random.uniform(0.2, 2.0)
    upright, yaw = bool(random.integers(2)), random.uniform(-25, 25)
    for t in stamps:
        bend = most * (0.55 + 0.45 * np.sin(2 * np.pi * rate * t))
        yield paper(_bent(sitter.opened, bend, upright=upright), yaw, 0, 0)


def print_waved(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """Waved by hand, with the blur of the movement."""
    reach, rate = random.uniform(4, 30, 2), random.uniform(0.5, 3.0, 3)
    roll, phase = random.uniform(2, 20), random.uniform(0, 6, 3)
    before = None
    for t in stamps:
        x, y = reach * np.sin(2 * np.pi * rate[:2] * t + phase[:2])
        turn = roll * np.sin(2 * np.pi * rate[2] * t + phase[2])
        sheet = paper(sitter.opened, 0, 0, turn, (x, y))
        yield sheet if before is None else cv2.addWeighted(sheet, 0.7, before, 0.3, 0)
        before = sheet


def print_eyes_moved(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """The eyes cut out; behind the holes the printed eyes are shifted up and down."""
    reach, rate = random.uniform(0.1, 0.6), random.uniform(0.5, 4.0)
    for t in stamps:
        shift = reach * np.sin(2 * np.pi * rate * t)
        yield paper(_eyes_shifted(sitter, shift), 3 * np.sin(1.3 * t), 2 * np.sin(0.9 * t), 0)


def print_flap(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """A strip of printed skin pulled over the eyes and back, by hand."""
    lasts, pause = random.uniform(0.15, 0.6), random.uniform(0.5, 1.2)
    for t in stamps:
        share = (t % (lasts + pause)) / lasts
        down = float(np.sin(np.pi * share)) if share < 1 else 0.0
        yield paper(_flapped(sitter, down), 3 * np.sin(1.3 * t), 2 * np.sin(0.9 * t), 0)


def _bent(picture: Pixels, bend: float, *, upright: bool) -> Pixels:
    """Paper on a cylinder: the camera sees the sine of the angle."""
    line = (np.arange(SIDE, dtype=np.float32) - SIDE / 2) / (SIDE / 2)
    reach = np.sin(bend / 2)
    seen = np.arcsin(np.clip(line * reach, -1, 1)) / (bend / 2)
    curve = (seen * (SIDE / 2) + SIDE / 2).astype(np.float32)
    straight = np.arange(SIDE, dtype=np.float32)
    x, y = np.meshgrid(curve, straight) if upright else np.meshgrid(straight, curve)
    return cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def eye_boxes(sitter: Sitter) -> Iterator[tuple[slice, slice, int]]:
    """Rows and columns around each eye, and the eye's width."""
    for first, second in sitter.eyes:
        x, y = (first + second) / 2
        width = int(abs(second[0] - first[0])) + 1
        top, left = int(y - 0.45 * width), int(x - 0.7 * width)
        yield slice(top, top + int(0.9 * width)), slice(left, left + int(1.4 * width)), width


def _eyes_shifted(sitter: Sitter, share: float) -> Pixels:
    picture = sitter.opened.copy()
    for rows, columns, width in eye_boxes(sitter):
        moved = np.roll(sitter.opened, round(share * width), axis=0)
        picture[rows, columns] = moved[rows, columns]
    return picture


def _flapped(sitter: Sitter, down: float) -> Pixels:
    picture = sitter.opened.copy()
    for rows, columns, _ in eye_boxes(sitter):
        covered = round(down * (rows.stop - rows.start))
        if covered > 0:
            below = sitter.opened[rows.stop : rows.stop + covered, columns]
            picture[rows.start : rows.start + len(below), columns] = below[::-1]
    return picture
