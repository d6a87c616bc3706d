"""When the pipeline lets its camera rest: nobody is there, and no lamp is to be looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.config import Config
from edge.records import Frame
from edge.vision.attention import PAUSE_S, REST_AFTER_S
from edge.vision.liveness.limits import ROOM_EVERY_S
from edge.vision.pipeline import Pipeline
from edge.vision.stages import Stages
from tests.vision.liveness.test_flicker import MINUTE

if TYPE_CHECKING:
    from edge.ops.demo.animate import Portrait

FPS = 30


def empty(number: int) -> Frame:
    pixels = np.full((240, 320, 3), 90 + number % 3, np.uint8)
    return Frame(pixels, number / FPS, number + 1)


def test_it_rests_but_for_the_looks_at_the_lamp(stages: Stages) -> None:
    pipeline = Pipeline(stages, Config())
    pauses = []
    for number in range(round((MINUTE + 5) * FPS)):
        pipeline.step(empty(number))
        pauses.append(pipeline.pause_s)
    rested = round((REST_AFTER_S + 0.1) * FPS)
    assert not any(pauses[: round(REST_AFTER_S * FPS)])
    assert pauses[rested] == PAUSE_S
    awake = [number / FPS for number in range(rested, len(pauses)) if not pauses[number]]
    assert awake, "the lamp was never looked at again"
    assert min(awake) >= ROOM_EVERY_S
    assert max(awake) - min(awake) <= 1.1  # the next look at the empty room ends it


def test_whoever_comes_ends_it(stages: Stages, eileen: Portrait) -> None:
    pipeline = Pipeline(stages, Config())
    frames = round((REST_AFTER_S + 1) * FPS)
    for number in range(frames):
        pipeline.step(empty(number))
    assert pipeline.pause_s == PAUSE_S
    for number in range(frames, frames + 10):
        pipeline.step(Frame(eileen.pixels, number / FPS, number + 1))
    assert pipeline.pause_s == 0.0
