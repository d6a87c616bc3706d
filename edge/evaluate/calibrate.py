"""Thresholds at stated false-match rates, and what can be claimed for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.access.calibration import Calibration, Curve, Point, Rule
from edge.access.cohort import Cohort
from edge.access.matcher import PROBES
from edge.errors import CalibrationError
from edge.evaluate.stats import fmr_upper, tail_threshold
from edge.evaluate.strangers import ENOUGH, Strangers, strangers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.evaluate.people import Faces
    from edge.evaluate.stats import Impostors
    from edge.records import Floats

RATES = (0.05, 0.02, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6, 1e-7, 1e-8)
_FEWEST_PAIRS = 3000
CAPTURES = (1, 2, 3, 5, 8)
"""In the templates whose thresholds are measured: `enrolment.WANTED` is the most."""
_FEWEST_PEOPLE = 20
"""With so many pictures; fewer say nothing about other people's templates."""
_TAKES = 10
"""Draws of captures and probes: a stranger's few best hands set the threshold."""
COHORT = 256
SHARE, NEAREST = 0.7, 16
"""Chosen on LFW View 1 test and the faces of `groups.npz`, MobileFaceNet and dlib weighed 1 to 1:
at LFW's threshold for 2e-5, strangers of the worst adult group match 4,400 times as often as asked
without a cohort, 320 times with half the share, 160 with this and 14 with all of it. FNMR at 1e-3
is 2.2, 2.4, 2.2 and 2.6 %, at 1e-4 4.2, 4.2, 4.4 and 4.4 %; but with all of it the door turns away
three times as many of the 94 actors. With 8 or 32 nearest it is nearly the same."""
UNSEEN = 2.0
"""Strangers of a source that the rule was not measured on match more often than those it was: left
out one source at a time (LFW, actors, `groups.npz`), at most 2.2 times as often as asked, and 0.9
times at the threshold for half the rate. So the rule keeps that of half of what is asked."""
_CLUSTER = 16
"""Faces for each vector of the cohort, on average."""
_FEWEST_MEMBERS = 4
_ROUNDS = 10


@dataclass(frozen=True, slots=True)
class Assurance:
    """What the number of impostor pairs allows to be said (ISO/IEC 19795-1)."""

    pairs: int

    @property
    def rule_of_3(self) -> float:
        """No error in so many independent pairs would mean, at 95 %, a rate no higher."""
        return 3 / self.pairs

    @property
    def counted_down_to(self) -> float:
        """The smallest rate at which at least 30 errors were counted."""
        return ENOUGH / self.pairs


def calibrate(impostors: Impostors, model: str, made_from: str) -> Calibration:
    """Operating points for `RATES`: counted as far as there are errors to count, then fitted.

    Args:
        impostors: Of single images, as the daemon compares them.
        model: SHA-256 of the embedder.
        made_from: Which faces, in a sentence.

    Raises:
        CalibrationError: too few pairs.
    """
    if len(impostors) < _FEWEST_PAIRS:
        raise CalibrationError(
            f"{len(impostors)} impostor pairs are too few to calibrate: at least {_FEWEST_PAIRS} "
            "are needed, from some 80 people or more."
        )
    counted = Assurance(len(impostors)).counted_down_to
    thresholds = [
        impostors.threshold(rate) if rate >= counted else tail_threshold(impostors, rate)
        for rate in RATES
    ]
    uppers = fmr_upper(impostors, thresholds)
    pictures = _curve(thresholds, uppers, [rate >= counted for rate in RATES])
    return Calibration(model, pictures, len(impostors), made_from)


def rule(faces: Faces, cohort: Cohort, made_from: str) -> Rule:
    """What the door needs: strangers of one group against templates of 1 to 8 captures.

    One capture is measured on everybody. Few people have many pictures, and they are of few groups:
    they tell only how much more is needed for more captures of the same people.
    """
    level = strangers(faces, cohort, 1, probes=PROBES)
    counted = [rate / UNSEEN for rate in RATES]
    curves = [(1, _measured(level, [level.threshold(rate) for rate in counted], level))]
    for captures in CAPTURES[1:]:
        if int((faces.pictures >= captures).sum()) < _FEWEST_PEOPLE:
            break
        several, one = (
            strangers(faces, cohort, count, probes=PROBES, at_least=captures, takes=_TAKES)
            for count in (captures, 1)
        )
        needed = [
            level.threshold(rate) + several.threshold(rate) - one.threshold(rate)
            for rate in counted
        ]
        curves.append((captures, _measured(level, needed, several)))
    return Rule(tuple(curves), cohort, made_from)


def cohort_of(vectors: Floats) -> Cohort:
    """A cohort that names nobody: the middles of clusters of many faces (spherical k-means).

    Args:
        vectors: `(n, d)` unit vectors, at least 16 for each of the cohort's.

    Raises:
        CalibrationError: too few faces.
    """
    if len(vectors) < _CLUSTER * COHORT:
        raise CalibrationError(
            f"{len(vectors)} faces are too few for a cohort: at least {_CLUSTER * COHORT}, of all "
            "groups of people, so that every vector of it stands for many."
        )
    random = np.random.default_rng(0)
    middles = vectors[random.permutation(len(vectors))[:COHORT]]
    for _ in range(_ROUNDS):
        nearest = np.argmax(vectors @ middles.T, axis=1)
        sums = np.zeros_like(middles)
        np.add.at(sums, nearest, vectors)
        members = np.bincount(nearest, minlength=len(middles))
        crowded = members >= _FEWEST_MEMBERS
        middles = sums[crowded] / np.linalg.norm(sums[crowded], axis=1, keepdims=True)
    return Cohort(middles.astype(np.float32), SHARE, NEAREST)


def _measured(level: Strangers, thresholds: list[float], counted: Strangers) -> Curve:
    """The thresholds as a curve; how sure they are is known of `level`."""
    own = [level.threshold(rate / UNSEEN) for rate in RATES]
    uppers = [UNSEEN * high for _, high in level.intervals(own)]
    return _curve(thresholds, uppers, [counted.counted(rate / UNSEEN) for rate in RATES])


def _curve(thresholds: Iterable[float], uppers: Iterable[float], counted: Iterable[bool]) -> Curve:
    """Operating points at `RATES`; a threshold that does not rise any more is left out."""
    points: list[Point] = []
    for rate, upper, threshold, sure in zip(RATES, uppers, thresholds, counted, strict=True):
        if not points or points[-1].threshold < threshold < 1:
            at_most = float(f"{max(rate, upper):.4g}")
            points.append(Point(rate, at_most, round(threshold, 5), extrapolated=not sure))
    return Curve(tuple(points))
