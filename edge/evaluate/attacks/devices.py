"""Films on devices and prints in hands, with what is around them, and faces with living eyes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.evaluate.attacks import room
from edge.evaluate.attacks.sitter import SIDE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.evaluate.attacks.sitter import Sitter
    from edge.records import Floats, Pixels

    Generator = np.random.Generator


def film_on_phone(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """Upright or lying, held in a hand."""
    kind = room.PHONE if random.random() < 0.7 else room.PHONE_LYING
    yield from _film(sitter, room.scene(random, kind), stamps)


def film_on_tablet(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """Held in a hand."""
    yield from _film(sitter, room.scene(random, room.TABLET), stamps)


def film_on_laptop(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """Standing before the camera."""
    yield from _film(sitter, room.scene(random, room.LAPTOP), stamps)


def film_on_television(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """Standing before the camera, its edges thin."""
    yield from _film(sitter, room.scene(random, room.TELEVISION), stamps)


def print_in_a_hand(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """The open picture on paper, with or without a margin."""
    paper = room.scene(random, room.PAPER)
    for t in stamps:
        yield paper.film(sitter.opened, t)


def eyes_cut_out(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """A print with holes, behind which somebody's own eyes blink."""
    paper, holes = room.scene(random, room.PAPER), _holes(sitter)
    for t in stamps:
        yield paper.film(_through(sitter.opened, sitter.film_at(t), holes), t)


def mask_drawn(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """A face drawn on paper and worn: living eyes in it, and it moves with the head."""
    flat = sitter.opened
    for _ in range(3):
        flat = cv2.bilateralFilter(flat, 9, 40, 9)
    levels = int(random.integers(4, 9))
    drawn = (flat // (256 // levels) * (256 // levels)).astype(np.uint8)
    grey = cv2.cvtColor(flat, cv2.COLOR_RGB2GRAY)
    lines = cv2.adaptiveThreshold(
        grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY, 9, random.uniform(2, 6)
    )
    drawn = np.minimum(drawn, lines[..., None])
    paper, holes = room.scene(random, room.PAPER), _holes(sitter)
    for t in stamps:
        yield paper.film(_through(drawn, sitter.film_at(t), holes), t)


def _film(sitter: Sitter, scene: room.Scene, stamps: Floats) -> Iterator[Pixels]:
    for t in stamps:
        yield scene.film(sitter.film_at(t), t)


def _holes(sitter: Sitter) -> Pixels:
    """255 where the paper is cut out around the eyes."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for first, second in sitter.eyes:
        x, y = ((first + second) / 2).round().astype(int).tolist()
        width = float(np.linalg.norm(second - first))
        cv2.ellipse(mask, (x, y), (round(0.6 * width), round(0.32 * width)), 0, 0, 360, 255, -1)
    return mask


def _through(paper: Pixels, face: Pixels, holes: Pixels) -> Pixels:
    return np.where(holes[..., None] > 0, face, paper)
