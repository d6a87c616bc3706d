"""While nothing moves, a look holds for one frame more; eyelids are seen on every one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from typing_extensions import override

from edge.config import Config
from edge.records import EyeOpenness, Frame, Landmarks
from edge.vision.pipeline import Pipeline
from edge.vision.stillness import CALM_S, HOLDS_S, Stillness

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.records import Face, Floats, Pixels
    from edge.vision.pipeline import Look
    from edge.vision.stages import Stages

OPEN, HALF = EyeOpenness(0.3, 0.3, -4.0, -4.0), EyeOpenness(0.2, 0.2, -2.0, -2.0)
FIVE = np.array([(0, 0), (60, 0), (30, 30), (10, 60), (50, 60)], np.float32)


def mesh(five: Floats) -> Landmarks:
    return Landmarks(np.zeros((468, 3), np.float32), 1.0, five, 0.0, 0.0, 0.0)


def watched(fps: float, speed: float = 0.0, seconds: float = 2.0) -> Iterator[tuple[float, bool]]:
    """Each frame's stamp, and whether the look held; open eyes that close half at one second."""
    still = Stillness()
    for at in np.arange(0.0, seconds, 1 / fps):
        held = still.holds(at)
        if not held:
            still.looked(at, mesh(FIVE + np.float32(60 * speed * at)))
        still.saw(at, HALF if 1.0 <= at < 1.0 + 1.5 / fps else OPEN)
        yield float(at), held


@pytest.mark.parametrize(("fps", "share"), [(12, 0), (25, 0), (30, 1 / 2), (60, 3 / 4)])
def test_a_look_is_never_older_than_it_may_be(fps: float, share: float) -> None:
    frames = [(at, held) for at, held in watched(fps) if CALM_S + 0.1 < at < 1.0]
    assert np.mean([held for _, held in frames]) == pytest.approx(share, abs=0.1)
    looks = np.array([at for at, held in frames if not held])
    assert np.diff(looks).max() <= max(HOLDS_S, 1.001 / fps)


def test_no_look_is_left_out_around_a_blink() -> None:
    held = [at for at, held in watched(30) if held]
    assert any(at < 1.0 for at in held)
    assert any(at > 1.5 for at in held)
    assert not any(1.0 < at <= 1.0 + CALM_S for at in held)


def test_a_face_that_moves_is_looked_at_on_every_frame() -> None:
    assert any(held for _, held in watched(30, speed=0.5))
    assert not any(held for _, held in watched(30, speed=2.0))


def test_whoever_was_lost_is_looked_at_anew() -> None:
    still = Stillness()
    for at in np.arange(0.0, 1.0, 1 / 30):
        still.looked(at, mesh(FIVE))
        still.saw(at, OPEN)
    assert still.holds(1.0)
    still.clear()
    assert not still.holds(1.0)


class Counted(Pipeline):
    """Counts the looks."""

    looks = 0

    @override
    def look(self, frame: Frame, face: Face) -> Look:
        self.looks += 1
        return super().look(frame, face)


def test_a_still_face_costs_half_the_looks_and_none_of_the_eyelids(
    stages: Stages, pictures: list[Pixels]
) -> None:
    pipeline = Counted(stages, Config())
    steps = [pipeline.step(Frame(pictures[0], n / 30, n + 1)) for n in range(60)]
    assert all(step.eyes is not None and step.landmarks is not None for step in steps)
    assert {step.track for step in steps} == {1}
    assert 28 <= pipeline.looks <= 42
