"""What will not be ready in a frame's time waits, but not for ever."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from typing_extensions import override

from edge.config import Config
from edge.records import Embedding, Frame
from edge.vision.budget import Budget, Unhurried
from edge.vision.faces.embedder import Embedder
from edge.vision.faces.shortlist import BETTER_S
from edge.vision.liveness.limits import LOOK_EVERY_S
from edge.vision.pipeline import Pipeline

if TYPE_CHECKING:
    from edge.records import AlignedFace, Landmarks, Pixels
    from edge.vision.stages import Stages

FPS = 30


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


def test_a_stage_that_would_end_too_late_is_not_allowed() -> None:
    clock = Clock()
    budget = Budget(0.05, clock)
    budget.begin()
    assert budget.allows("embed")  # nobody knows yet what it takes
    with budget("embed"):
        clock.at += 0.03
    assert not budget.allows("embed")
    budget.begin()
    assert budget.allows("embed")
    with budget("detect"):
        clock.at += 0.03
    assert not budget.allows("embed")
    assert budget.allows("checks")


class SlowEmbedder(Embedder):
    """The real one, on a board on which it takes the time of three frames."""

    def __init__(self, embedder: Embedder, clock: Clock) -> None:
        self._real, self._clock = embedder, clock
        self.at: list[float] = []

    @override
    def embed(
        self, frame: Frame, landmarks: Landmarks, aligned: AlignedFace | None = None
    ) -> Embedding:
        self._clock.at += 0.1
        self.at.append(frame.captured_at)
        return self._real.embed(frame, landmarks, aligned)


def gaps(at: list[float]) -> list[float]:
    return [after - before for before, after in pairwise(at)]


@pytest.mark.parametrize(("budgeted", "every_s"), [(False, 0.2), (True, 0.4)])
def test_what_never_fits_is_put_off_and_then_done(
    stages: Stages, pictures: list[Pixels], budgeted: bool, every_s: float
) -> None:
    clock = Clock()
    slow = SlowEmbedder(stages.embedder, clock)
    budget = Budget(1 / 15, clock) if budgeted else Unhurried()
    pipeline = Pipeline(replace(stages, embedder=slow), Config(), budget)
    for number in range(2 * FPS):
        pipeline.step(Frame(pictures[0], number / FPS, number + 1))
    found = gaps(slow.at)
    assert found == pytest.approx([every_s] * len(found), abs=BETTER_S)


def test_checks_wait_for_a_frame_without_anything_else(
    stages: Stages, pictures: list[Pixels]
) -> None:
    class NoTime(Unhurried):
        @override
        def allows(self, _stage: str) -> bool:
            return False

    pipeline = Pipeline(stages, Config(), NoTime())
    steps = [pipeline.step(Frame(pictures[0], n / FPS, n + 1)) for n in range(2 * FPS)]
    looked = [step.captured_at for step in steps if step.opinions]
    assert gaps(looked) == pytest.approx([2 * LOOK_EVERY_S] * 3, abs=1.5 / FPS)
