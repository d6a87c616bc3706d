"""A blink of somebody's face will not do: who comes next is not asked for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.config import Config
from edge.ops.demo.animate import Stage
from edge.ops.demo.film import actors
from edge.records import Frame, Regard
from edge.vision.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.records import Pixels
    from edge.vision.stages import Stages

FPS = 30


def one_goes_and_another_comes(stages: Stages) -> Iterator[tuple[Pixels, int]]:
    """Pictures, and whose: 1, then nobody, then 2."""
    first, *_, second = actors(stages)
    stage = Stage((640, 480), FPS, 190, seed=3)
    for number in range(3 * FPS):
        t = number / FPS
        if t < 1:
            yield stage.show(first, t, 0.0), 1
        elif t < 2:
            yield np.full((480, 640, 3), 90, np.uint8), 0
        else:
            yield stage.show(second, t, 0.0), 2


def test_the_challenge_is_theirs_alone(stages: Stages) -> None:
    """As sight does: what the newest attempt said is what a frame is judged by."""
    pipeline = Pipeline(stages, Config(), asks=True)
    asked, doubted = set(), None
    for number, (pixels, whose) in enumerate(one_goes_and_another_comes(stages)):
        evidence = pipeline.step(Frame(pixels, 1 + number / FPS, number + 1))
        asked |= {whose} if evidence.liveness.instruction else set()
        if evidence.faces:
            doubted = doubted or evidence.track
            pipeline.regarded = doubted, Regard(wary=True)
    assert asked == {1}


def test_a_challenge_is_heard_by_whom_it_may_be(stages: Stages) -> None:
    pipeline = Pipeline(stages, Config(), asks=True)
    asked = set()
    for number, (pixels, whose) in enumerate(one_goes_and_another_comes(stages)):
        evidence = pipeline.step(Frame(pixels, 1 + number / FPS, number + 1))
        asked |= {whose} if evidence.liveness.instruction else set()
        pipeline.regarded = evidence.track, Regard(wary=True, hears=whose == 2)
    assert asked == {2}
