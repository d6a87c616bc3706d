"""Nobody in front costs next to nothing, and whoever steps in is seen at once."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.vision.attention import PAUSE_S, REST_AFTER_S, Attention

if TYPE_CHECKING:
    from edge.records import Pixels

FPS = 30
SOON_S = 0.2


@cache
def drawn(level: int) -> Pixels:
    noise = np.random.default_rng(level).normal(0, 4, (480, 640, 3))
    return np.clip(level + noise, 0, 255).astype(np.uint8)


def scene(level: int = 90) -> Pixels:
    return drawn(level).copy()


def resting(attention: Attention, pixels: Pixels) -> float:
    """Show the same until the detector rests; the time then."""
    at = 0.0
    while at < REST_AFTER_S + 2:
        attention.rests(at, pixels)
        at += 1 / FPS
    return at


def test_an_empty_scene_is_looked_at_once_a_second() -> None:
    attention, begin = Attention(), 0.0
    begin = resting(attention, scene(90))
    looks = [not attention.rests(begin + n / FPS, scene(90 + n % 3)) for n in range(10 * FPS)]
    assert 9 <= sum(looks) <= 11


@pytest.mark.parametrize("fps", [10, 15, 20, 24, 25, 30])
@pytest.mark.parametrize("phase", range(6))
def test_who_steps_in_is_looked_at_within_200_ms(phase: int, fps: int) -> None:
    attention, step_s = Attention(), shown_every(fps)
    at = resting(attention, scene()) + phase * step_s
    attention.rests(at, scene())
    there = scene()
    there[200:300, 280:360] = 180
    late = next(n * step_s for n in range(1, FPS) if not attention.rests(at + n * step_s, there))
    assert late <= SOON_S + 1e-6


def shown_every(fps: int) -> float:
    """Seconds between the pictures that a camera shows while the door rests."""
    return next(n / fps for n in range(1, fps) if n / fps >= PAUSE_S)


def test_a_tree_in_the_wind_does_not_bring_the_full_rate() -> None:
    attention = Attention()
    begin = resting(attention, scene())
    tree = [scene(), scene()]
    tree[1][:200, :200] = 10
    looks = [not attention.rests(begin + n / FPS, tree[n % 2]) for n in range(10 * FPS)]
    assert sum(looks) <= 10 / 0.15 + 1


def test_every_frame_counts_while_somebody_is_there_and_for_a_while_after() -> None:
    attention = Attention()
    at = resting(attention, scene())
    attention.saw(at)
    looks = [not attention.rests(at + n / FPS, scene()) for n in range(1, int(FPS * REST_AFTER_S))]
    assert all(looks)
