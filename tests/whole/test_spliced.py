"""Somebody blinks, somebody else's still picture is shown: however they are spliced, nobody enters.

The whole way from frames to the decision, at a door that knows the person in the picture.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edge.access.gallery import Gallery
from edge.access.judge import Judge
from edge.access.matcher import Probes, match
from edge.config import Config
from edge.config.seeing import Level
from edge.ops.demo.animate import Portrait, Stage, closure
from edge.ops.demo.film import FACE_PX, SIZE, actors
from edge.records import Frame, Outcome, Template
from edge.sight.daemon import patience_of
from edge.vision.calibrated import read_calibration
from edge.vision.pipeline import Pipeline
from tests.support.judging import around

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge.records import Pixels
    from edge.vision.stages import Stages

    Splice = Callable[[float, Pixels, Pixels], Pixels]

SECONDS, BLINKS_AT = 3.6, 1.2


def swapped(begin: float, end: float) -> Splice:
    """Who blinks is there from one time to the other."""
    return lambda t, living, picture: living if begin <= t < end else picture


def melted(begin: float, end: float, lasts: float) -> Splice:
    """The same, each melting into the other."""

    def splice(t: float, living: Pixels, picture: Pixels) -> Pixels:
        share = float(np.clip(min(t - begin, end - t) / lasts, 0, 1))
        return cv2.addWeighted(living, share, picture, 1 - share, 0)

    return splice


def wiped(begin: float, lasts: float, *, back: float = 9.0, upright: bool = False) -> Splice:
    """The picture is drawn over whoever blinks, and away again, like a sheet of paper."""

    def splice(t: float, living: Pixels, picture: Pixels) -> Pixels:
        share = float(np.clip(min(t - begin, back - t) / lasts, 0, 1))
        shown = living.copy()
        if upright:
            shown[: round(share * SIZE[1])] = picture[: round(share * SIZE[1])]
        else:
            shown[:, : round(share * SIZE[0])] = picture[:, : round(share * SIZE[0])]
        return shown

    return splice


def hidden(begin: float, lasts: float, shade: int) -> Splice:
    """Between them a hand before the camera, or no light."""

    def splice(t: float, living: Pixels, picture: Pixels) -> Pixels:
        if begin <= t < begin + lasts:
            return np.full_like(living, shade)
        return living if t < begin else picture

    return splice


def beside(t: float, living: Pixels, picture: Pixels) -> Pixels:
    """The picture is held beside whoever blinks, and then moved before them."""
    shown, shift = living.copy(), round(210 * float(np.clip((2.4 - t) / 0.5, 0, 1)))
    shown[:, shift + 220 : 640] = picture[:, 220 : 640 - shift]
    return shown if t < 2.4 else picture


def worn(t: float, living: Pixels, picture: Pixels) -> Pixels:
    """A mask of the person's face, but for the eyes, over one who blinks."""
    shown = picture.copy()
    if t < 2.0:
        shown[180:245, 230:410] = living[180:245, 230:410]
    return shown


SPLICES: dict[str, Splice] = {
    "the blink alone": swapped(1.15, 1.75),
    "up to the blink": swapped(0.0, 1.75),
    "from the blink on, and away": swapped(1.0, 2.2),
    "melting": melted(0.6, 2.2, 0.4),
    "melting slowly": melted(-2.0, 2.8, 1.0),
    "a sheet": wiped(1.9, 0.3),
    "a sheet from above": wiped(1.9, 0.3, upright=True),
    "a sheet drawn away for the blink": wiped(-1.0, 0.2, back=1.2),
    "behind a hand": hidden(1.8, 0.2, 150),
    "a dark frame": hidden(1.8, 0.07, 0),
    "beside each other": beside,
    "a mask without eyes": worn,
}
LIVING: Splice = swapped(0.0, 9.0)


class Door:
    """It knows one person, and goes by a blink alone."""

    def __init__(self, stages: Stages) -> None:
        liveness = Config().liveness.model_copy(update={"level": Level.BLINK})
        self._config = Config().model_copy(update={"liveness": liveness})
        self._stages = stages
        self._calibration = read_calibration(self._config)
        self._rate = self._config.match.false_match_rate
        self.stranger, self.known = actors(stages)[::-1]
        self._gallery = Gallery((self._enrolled(),), self._calibration.rule.cohort)

    def _enrolled(self) -> Template:
        pipeline = Pipeline(self._stages, self._config)
        stage = Stage(SIZE, 15, FACE_PX, seed=9)
        steps = (pipeline.step(Frame(stage.show(self.known, n / 15), n / 15, n)) for n in range(30))
        probes = [step.embedding for step in steps if step.embedding]
        return Template("Anna", np.stack([one.vector for one in probes[:5]]), probes[0].model)

    def opens(self, blinks: Portrait, splice: Splice, fps: float) -> bool:
        pipeline, judge, probes = (
            Pipeline(self._stages, self._config),
            Judge(patience_of(self._config)),
            Probes(),
        )
        for frame in self._film(blinks, splice, fps):
            pipeline.identified = judge.identified
            evidence = pipeline.step(frame)
            found = None
            if evidence.embedding is not None:
                joined = probes.joined(evidence.track, evidence.embedding)
                found = match(joined, self._gallery, self._calibration, self._rate)
            told = around(evidence, self._gallery, self._calibration, self._rate)
            decision = judge.observe(evidence, found, told)
            if decision.outcome is Outcome.GRANT:
                return True
        return False

    def _film(self, blinks: Portrait, splice: Splice, fps: float) -> Iterator[Frame]:
        stage = Stage(SIZE, fps, FACE_PX, seed=3)
        for number in range(round(SECONDS * fps)):
            t = number / fps
            living = stage.show(blinks, t, closure(t - BLINKS_AT))
            yield Frame(splice(t, living, stage.show(self.known, t)), 1 + t, number + 1)


@pytest.fixture(scope="module")
def door(stages: Stages) -> Door:
    return Door(stages)


def test_the_person_is_let_in(door: Door) -> None:
    assert door.opens(door.known, LIVING, 15)


@pytest.mark.parametrize("name", ["up to the blink", "melting"])
def test_a_spliced_film_opens_nothing(door: Door, name: str) -> None:
    assert not door.opens(door.stranger, SPLICES[name], 15)


@pytest.mark.slow
@pytest.mark.parametrize("fps", [10, 15, 30])
@pytest.mark.parametrize("name", SPLICES)
def test_no_splice_opens_anything(door: Door, name: str, fps: float) -> None:
    assert not door.opens(door.stranger, SPLICES[name], fps)
