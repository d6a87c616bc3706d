"""Pictures that take turns, one that stays, and films too short or too slow to tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.evaluate.attacks.sitter import SIDE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge.evaluate.attacks.sitter import Sitter
    from edge.records import Floats, Pixels

    Generator = np.random.Generator


def alternation(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """Open and shut in turn, 1 to 30 pictures a second, held still or in the hand."""
    rate, held = random.uniform(1, 30), _hand(random)
    for t in stamps:
        yield held(sitter.shut if int(t * rate) % 2 else sitter.opened, t)


def alternation_timed(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """The shut picture just as long as a blink lasts."""
    lasts, pause, held = random.uniform(0.08, 0.4), random.uniform(0.5, 1.5), _hand(random)
    for t in stamps:
        yield held(sitter.shut if t % (lasts + pause) > pause else sitter.opened, t)


def cross_fade(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """Open and shut fade into each other, 0.5 to 3 seconds each way."""
    lasts, held = random.uniform(0.5, 3.0), _hand(random)
    for t in stamps:
        shut = 0.5 - 0.5 * np.cos(np.pi * t / lasts)
        yield held(cv2.addWeighted(sitter.shut, shut, sitter.opened, 1 - shut, 0), t)


def still_with_noise(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """A still picture, noisy and flickering."""
    deep, flicker = random.uniform(0, 0.3), random.uniform(0.5, 10)
    for t in stamps:
        light = 1 - deep * (0.5 + 0.5 * np.sin(2 * np.pi * flicker * t))
        yield np.clip(sitter.opened * light, 0, 255).astype(np.uint8)


def frozen(sitter: Sitter, _random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """The very same frame again and again."""
    for _ in stamps:
        yield sitter.opened


def repeated(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """A loop of a few frames of a film."""
    frames = sitter.film or (sitter.opened, sitter.shut)
    length = int(random.integers(2, 5))
    start = int(random.integers(max(1, len(frames) - length)))
    loop = frames[start : start + length]
    for i, _ in enumerate(stamps):
        yield loop[i % len(loop)]


def slow_camera(sitter: Sitter, random: Generator, stamps: Floats) -> Iterator[Pixels]:
    """A blinking film so rarely sampled that nobody can tell how lids move: see `FIXED_RATES`."""
    frames = sitter.film or (sitter.opened, sitter.shut)
    start = random.uniform(0, 1)
    for t in stamps:
        yield frames[int((start + t) * (sitter.film_fps or 1)) % len(frames)]


def _hand(random: Generator) -> Callable[[Pixels, float], Pixels]:
    """Holds a picture still, or in a hand that sways."""
    reach = random.choice([0.0, 0.0, 2.0, 6.0])
    rate = random.uniform(0.3, 1.5, 2)

    def hold(picture: Pixels, t: float) -> Pixels:
        if not reach:
            return picture
        x, y = reach * np.sin(2 * np.pi * rate * t)
        place = np.array([[1, 0, x], [0, 1, y]], dtype=np.float32)
        return cv2.warpAffine(picture, place, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)

    return hold
