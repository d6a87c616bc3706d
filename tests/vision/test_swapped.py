"""Somebody blinks, and a still picture of somebody else is compared: nobody is let in for that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edge.access.matcher import Probes, match, resembled_by_all
from edge.config import Config
from edge.ops.demo.animate import Portrait, Stage, closure
from edge.ops.demo.film import actors
from edge.records import Frame, LivenessState, Template
from edge.vision.calibrated import proof_similarity, read_calibration
from edge.vision.pipeline import Pipeline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge.records import Evidence, Pixels
    from edge.vision.stages import Stages

    Film = Callable[[Portrait, Portrait], Iterator[tuple[Pixels, bool]]]

FPS = 30


def lit(pixels: Pixels, light: float) -> Pixels:
    return np.clip(pixels.astype(np.float32) * light, 0, 255).astype(np.uint8)


def put_in_for_a_blink(lasts: float) -> Film:
    """In full light, between two of the comparisons that somebody known gets once a second."""

    def film(blinks: Portrait, still: Portrait) -> Iterator[tuple[Pixels, bool]]:
        stage = Stage((640, 480), FPS, 190, seed=3)
        for number in range(4 * FPS):
            t = number / FPS
            if 2.1 <= t < 2.1 + lasts:
                yield stage.show(blinks, t, closure(t - 2.22)), False
            else:
                yield stage.show(still, t, 0.0), True

    return film


def lit_up_afterwards(blinks: Portrait, still: Portrait) -> Iterator[tuple[Pixels, bool]]:
    """Too dark to be compared while somebody blinks; the picture comes, then the light."""
    stage = Stage((640, 480), FPS, 190, seed=3)
    for number in range(5 * FPS):
        t = number / FPS
        light = min(1.0, 0.22 + max(0.0, t - 2.6))
        shown = stage.show(still, t, 0.0) if t > 2.2 else stage.show(blinks, t, closure(t - 1.2))
        yield lit(shown, light), t > 2.2


FILMS = [*map(put_in_for_a_blink, (0.38, 0.41, 0.445, 0.48)), lit_up_afterwards]


def watched(
    film: Iterator[tuple[Pixels, bool]], stages: Stages, *, identified: bool
) -> Iterator[tuple[int, bool, Evidence]]:
    pipeline = Pipeline(stages, Config())
    pipeline.identified = identified
    for number, (pixels, picture) in enumerate(film):
        yield number, picture, pipeline.step(Frame(pixels, 1 + number / FPS, number + 1))


@pytest.mark.parametrize("film", FILMS)
def test_a_blink_is_not_lent_to_a_picture(film: Film, stages: Stages) -> None:
    still, blinks = actors(stages)[::-1]
    compared = 0
    for number, picture, evidence in watched(film(blinks, still), stages, identified=True):
        if picture:
            assert evidence.liveness.state is not LivenessState.LIVE, number
            compared += evidence.embedding is not None
    assert compared  # it was looked at


def between(first: int, last: int, begins: float) -> Film:
    """On these frames somebody else is there, whose quick blink begins so long after they came."""

    def film(blinks: Portrait, still: Portrait) -> Iterator[tuple[Pixels, bool]]:
        stage = Stage((640, 480), FPS, 190, seed=3)
        for number in range(last + FPS):
            t = number / FPS
            if first <= number < last:
                yield stage.show(blinks, t, closure(2.2 * (t - first / FPS - begins))), False
            else:
                yield stage.show(still, t, 0.0), True

    return film


@pytest.mark.parametrize("begins", [0.05, 0.07])
def test_nor_is_one_that_is_over_before_the_next_comparison(stages: Stages, begins: float) -> None:
    """Put in right after one, and away again before another is due."""
    still, blinks = actors(stages)[::-1]
    alone = watched(between(60, 60, 0.0)(blinks, still), stages, identified=False)
    compared = next(n for n, _, e in alone if n > 45 and e.embedding is not None)
    film = between(compared + 1, compared + 8, begins)(blinks, still)
    for number, picture, evidence in watched(film, stages, identified=False):
        if picture:
            assert evidence.liveness.state is not LivenessState.LIVE, number


OTHER = 0.41
"""Share of the other one: the track takes it for who blinked, the matcher for the other."""


def enrolled(person: Portrait, stages: Stages) -> Template:
    stage = Stage((640, 480), FPS, 190, seed=7)
    pipeline = Pipeline(stages, Config())
    shown = (Frame(stage.show(person, 2.0 * n, tilt_deg=3.0 * n - 3), n, n) for n in range(3))
    seen = [pipeline.step(frame).embedding for frame in shown]
    found = [embedding for embedding in seen if embedding is not None]
    return Template("Eileen", np.stack([each.vector for each in found]), found[0].model)


def half_of_each(blinks: Portrait, still: Portrait) -> Iterator[tuple[Pixels, bool]]:
    """Somebody blinks; then comes a picture that resembles both them and somebody else."""
    stage = Stage((640, 480), FPS, 190, seed=3)
    for number in range(4 * FPS):
        t = number / FPS
        alive = stage.show(blinks, t, closure(t - 1.2))
        both = cv2.addWeighted(alive, 1 - OTHER, stage.show(still, t, 0.0), OTHER, 0.0)
        yield np.asarray(both if t > 1.8 else alive, np.uint8), t > 1.8


def test_a_picture_of_two_does_not_take_the_blink_of_one_to_the_other(stages: Stages) -> None:
    calibration, rate = read_calibration(Config()), Config().match.false_match_rate
    still, blinks = actors(stages)[::-1]
    template = enrolled(still, stages)
    least, probes, taken = proof_similarity(calibration, rate), Probes(), 0
    for number, _, evidence in watched(half_of_each(blinks, still), stages, identified=False):
        if evidence.embedding is not None:
            joined = probes.joined(evidence.track, evidence.embedding)
            matched = match(joined, [template], calibration, rate).matched
            taken += matched and evidence.liveness.state is LivenessState.LIVE
        assert not resembled_by_all(evidence.proof, [template], least), number
    assert taken  # who is compared matches, and the face is alive
