"""A lamp that flickers makes bands over everybody: the empty room shows it, after a while."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.config import Config
from edge.records import Frame
from edge.vision.liveness.flicker import Flicker
from edge.vision.liveness.limits import BANDS_MOST, ROOM_EVERY_S, ROOM_LOOKS
from edge.vision.pipeline import Pipeline
from edge.vision.stages import Stages
from tests.vision.liveness.test_bands import FPS, banded

if TYPE_CHECKING:
    from edge.ops.demo.animate import Portrait
    from edge.records import Pixels

ROOM = np.linspace(60, 180, 320).astype(np.uint8)[None, :, None].repeat(240, 0).repeat(3, 2)
"""A wall."""
MINUTE = ROOM_EVERY_S + 1


def shown(pixels: Pixels, at: float, deep: float) -> Frame:
    return Frame(banded(pixels, at, deep), at, round(at * FPS))


def watched(flicker: Flicker, minutes: int, deep: float, begin_s: float = 0.0) -> None:
    """An empty room, frame after frame for some seconds of each minute."""
    for minute in range(minutes):
        stamps = [begin_s + MINUTE * minute + number / FPS for number in range(3)]
        frames = [shown(ROOM, at, deep) for at in stamps]
        for before, frame in pairwise(frames):
            flicker.see_empty(frame, before)


HALF = ROOM_LOOKS // 2


@pytest.mark.parametrize(("deep", "rolls"), [(0.1, True), (0.0, False)])
def test_a_quarter_of_an_hour_of_the_empty_room_tells(deep: float, *, rolls: bool) -> None:
    flicker = Flicker()
    watched(flicker, HALF, deep)
    assert not flicker.rolls
    watched(flicker, 1, deep, begin_s=MINUTE * HALF)
    assert flicker.rolls is rolls


def test_an_empty_screen_held_up_for_some_minutes_does_not() -> None:
    flicker = Flicker()
    watched(flicker, ROOM_LOOKS, 0.0)
    watched(flicker, HALF, 0.1, begin_s=MINUTE * ROOM_LOOKS)
    assert not flicker.rolls


def test_a_night_of_a_camera_that_is_noisy_by_rows_does_not() -> None:
    """Bands would have told nothing of whoever came until the room was light for so long again."""
    flicker, random = Flicker(), np.random.default_rng(3)

    def dark(at: float) -> Frame:
        rows = random.normal(5, 2, (240, 1, 1)) + random.normal(0, 4, (240, 320, 3))
        return Frame(np.clip(rows, 0, 255).astype(np.uint8), at, round(at * FPS))

    for minute in range(ROOM_LOOKS):
        flicker.see_empty(dark(MINUTE * minute + 1 / FPS), dark(MINUTE * minute))
    assert not flicker.rolls


def test_frames_far_apart_are_no_look() -> None:
    flicker = Flicker()
    frames = [shown(ROOM, MINUTE * minute, 0.1) for minute in range(ROOM_LOOKS)]
    for before, frame in pairwise(frames):
        flicker.see_empty(frame, before)
    assert not flicker.rolls
    watched(flicker, HALF + 1, 0.1, begin_s=MINUTE * ROOM_LOOKS)
    assert flicker.rolls


def test_a_camera_that_lets_pictures_pass_is_no_look() -> None:
    """Three frames of 30 a second last as long as ten flashes of a lamp: it looks steady."""
    flicker = Flicker()
    for minute in range(ROOM_LOOKS):
        before = shown(ROOM, MINUTE * minute, 0.1)
        flicker.see_empty(shown(ROOM, MINUTE * minute + 3 / FPS, 0.1), before)
    assert flicker.is_due(MINUTE * ROOM_LOOKS)
    assert not flicker.rolls


@pytest.mark.parametrize(("deep", "least", "most"), [(0.1, 0.0, 0.0), (0.0, 1.0, BANDS_MOST)])
def test_bands_over_whoever_comes_count_where_the_room_has_none(
    stages: Stages, eileen: Portrait, deep: float, least: float, most: float
) -> None:
    pipeline = Pipeline(stages, Config())
    for minute in range(ROOM_LOOKS):
        for second in (0.0, 0.98, 1.04):  # it looks at one a second while nobody is there
            pipeline.step(shown(ROOM, MINUTE * minute + second, deep))
    begin_s = MINUTE * ROOM_LOOKS
    visit = [shown(eileen.pixels, begin_s + number / FPS, 0.1) for number in range(1, 2 * FPS)]
    opinions = [each for frame in visit for each in pipeline.step(frame).opinions]
    said = [each.against for each in opinions if each.check == "bands"][1:]
    assert least <= min(said) <= max(said) <= most
