"""The sharper frames of a track are embedded, and no more of them than are needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.config import Config
from edge.ops.demo.animate import Appearance, Stage
from edge.ops.demo.film import FPS as FPS_OF_FILM
from edge.ops.demo.film import SIZE
from edge.records import Frame, Hint, Quality
from edge.vision.faces.shortlist import BETTER_S, EMBED_EVERY_S, KNOWN_EMBED_S, Shortlist
from edge.vision.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.ops.demo.animate import Portrait
    from edge.records import Pixels
    from edge.vision.stages import Stages

FPS = 50


def quality(sharpness: float, *, ok: bool = True) -> Quality:
    return Quality(ok, Hint.NONE if ok else Hint.HOLD_STILL, 150.0, sharpness, 120.0)


def taken(
    sharpness: Callable[[float], float], every_s: float = EMBED_EVERY_S, *, in_time: bool = True
) -> list[float]:
    """When the frames of a second and a half were embedded."""
    shortlist, found = Shortlist(), []
    for number in range(int(1.5 * FPS)):
        at = number / FPS
        if shortlist.takes(at, 1, quality(sharpness(at)), every_s, in_time=in_time):
            shortlist.taken(at, 1)
            found.append(at)
    return found


def test_a_steady_face_is_embedded_at_an_even_rate() -> None:
    assert np.diff(taken(lambda _: 100.0)) == pytest.approx(EMBED_EVERY_S, abs=1.1 / FPS)
    assert taken(lambda _: 100.0, KNOWN_EMBED_S) == pytest.approx([0.0, 1.0])


def test_a_blurred_frame_waits_for_a_sharper_one() -> None:
    def blurred_for_a_moment(at: float) -> float:
        return 20.0 if 0.39 < at < 0.45 else 100.0

    assert taken(blurred_for_a_moment)[:3] == pytest.approx([0.0, 0.2, 0.46])


def test_it_does_not_wait_for_ever() -> None:
    def blurred_from_then_on(at: float) -> float:
        return 20.0 if at > 0.39 else 100.0

    found = taken(blurred_from_then_on)[:3]
    assert found == pytest.approx([0.0, 0.2, 0.4 + BETTER_S], abs=1.1 / FPS)


def test_what_will_not_be_ready_is_put_off_as_long_again() -> None:
    assert taken(lambda _: 100.0, in_time=False)[:3] == pytest.approx([0.0, 0.4, 0.8])


def test_another_face_and_one_that_is_asked_for_are_taken_at_once() -> None:
    shortlist = Shortlist()
    shortlist.taken(0.0, 1)
    assert not shortlist.takes(0.02, 1, quality(100.0), KNOWN_EMBED_S, in_time=True)
    assert shortlist.takes(0.02, 2, quality(10.0), KNOWN_EMBED_S, in_time=False)
    shortlist.ask()
    assert not shortlist.takes(0.04, 1, quality(100.0, ok=False), KNOWN_EMBED_S, in_time=True)
    assert shortlist.takes(0.06, 1, quality(10.0), KNOWN_EMBED_S, in_time=False)


def test_somebody_known_is_compared_seldom(stages: Stages, pictures: list[Pixels]) -> None:
    counts = []
    for identified in (False, True):
        pipeline = Pipeline(stages, Config())
        pipeline.identified = identified
        steps = [pipeline.step(Frame(pictures[0], n / 30, n + 1)) for n in range(60)]
        counts.append(sum(step.embedding is not None for step in steps))
    assert counts[0] >= 8
    assert counts[1] == 2


def test_who_has_blinked_is_compared_before_the_blink_counts(
    stages: Stages, eileen: Portrait
) -> None:
    pipeline = Pipeline(stages, Config())
    pipeline.identified = True
    film = Stage(SIZE, FPS_OF_FILM, 190, seed=3).play(eileen, Appearance(2.4, (1.5,)))
    shown = (Frame(pixels, n / FPS_OF_FILM, n + 1) for n, pixels in enumerate(film))
    steps = [pipeline.step(frame) for frame in shown]
    blinked = next(n for n, step in enumerate(steps) if step.liveness.blink is not None)
    counted = next(n for n, step in enumerate(steps) if step.liveness.blinks)
    compared = [n for n, step in enumerate(steps) if step.embedding is not None]
    assert any(blinked < n <= counted for n in compared)
