"""A projection of the embedding for one site's own camera, light and people.

Triplet loss with online semi-hard negatives (Schroff et al. 2015, FaceNet; only the projection is
learnt, as the last step of Parkhi et al. 2015, VGG-Face): of two pictures of one person and one of
another, the first two shall be nearer by a margin. The projection starts from doing nothing and is
held near it, since a site has tens of people and the network saw thousands.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.access.calibration import Calibration, Curve, Point, Rule
from edge.access.cohort import Cohort
from edge.errors import UsageError
from edge.evaluate.people import Faces
from edge.evaluate.rule import Measured, rate_over_people
from edge.vision.faces.embedder import projected

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.evaluate.stats import Indices
    from edge.records import Floats

FOLDS = 5
FEWEST_PEOPLE = 10
FEWEST_PICTURES = 4
COMPARED_FMR = 1e-2
"""Before and after are compared at this rate: a site's few people count no smaller one."""
STEPS = 200
_BATCH, _EACH = 16, 4
_RATE, _MARGIN, _HOLD = 0.02, 0.2, 0.02
_DECAY = (0.9, 0.999)


@dataclass(frozen=True, slots=True)
class Trial:
    """What the projection did to people whom it had not seen."""

    before: Measured
    """FNMR at `COMPARED_FMR`."""
    after: Measured
    scores: tuple[Floats, Floats]
    """Of genuine pairs, before and after, for the picture."""

    @property
    def better(self) -> bool:
        """Fewer are turned away, also at both ends of what chance may have done."""
        before, after = self.before, self.after
        return after.value < before.value and after.low <= before.low and after.high <= before.high


def learn(faces: Faces, seed: int = 0, advance: Callable[[], None] = lambda: None) -> Floats:
    """The `(d, d)` projection for these people: a vector v becomes v W, scaled to length 1."""
    random = np.random.default_rng(seed)
    size = faces.vectors.shape[1]
    change = np.zeros((size, size), np.float32)
    mean, square = np.zeros_like(change), np.zeros_like(change)
    several = np.flatnonzero(faces.pictures >= 2)
    for step in range(1, STEPS + 1):
        rows = _batch(faces, several, random)
        slope = _slope(faces.vectors[rows], faces.people[rows], change) + _HOLD * change
        mean = _DECAY[0] * mean + (1 - _DECAY[0]) * slope  # Adam (Kingma & Ba 2015)
        square = _DECAY[1] * square + (1 - _DECAY[1]) * slope**2
        rate = _RATE * (1 - step / (STEPS + 1))
        change -= (
            rate
            * (mean / (1 - _DECAY[0] ** step))
            / (np.sqrt(square / (1 - _DECAY[1] ** step)) + 1e-6)
            / np.float32(size)
        )
        advance()
    return np.eye(size, dtype=np.float32) + change


def cross_validated(faces: Faces, advance: Callable[[], None] = lambda: None) -> Trial:
    """Learn on four fifths of the people, try on the rest, five times.

    Raises:
        UsageError: too few people, or too few pictures of them.
    """
    enough = np.flatnonzero(faces.pictures >= FEWEST_PICTURES)
    if len(enough) < FEWEST_PEOPLE:
        raise UsageError(
            f"{len(enough)} people have {FEWEST_PICTURES} pictures or more; to adapt, "
            f"{FEWEST_PEOPLE} are needed, each in a folder of their own"
        )
    folds = np.random.default_rng(0).permutation(len(faces.pictures)) % FOLDS
    before: list[tuple[Indices, Floats]] = []
    after: list[tuple[Indices, Floats]] = []
    people: list[Indices] = []
    for fold in range(FOLDS):
        held = folds[faces.people] == fold
        projection = learn(faces.only(~held), fold, advance)
        rest = faces.only(held)
        owners = np.flatnonzero(folds == fold)
        pairs = np.triu_indices(len(rest), 1)
        before.append(_misses(rest.vectors, rest.people, pairs))
        after.append(_misses(projected(rest.vectors, projection), rest.people, pairs))
        same = rest.people[pairs[0]] == rest.people[pairs[1]]
        people.append(owners[rest.people[pairs[0]][same]])
    whose, count = np.concatenate(people), len(faces.pictures)
    rates = [
        rate_over_people(np.concatenate([misses for misses, _ in found]), whose, count)
        for found in (before, after)
    ]
    margins = [np.concatenate([margin for _, margin in found]) for found in (before, after)]
    return Trial(rates[0], rates[1], (margins[0], margins[1]))


def carried(calibration: Calibration, faces: Faces, projection: Floats, model: str) -> Calibration:
    """The calibration on the projected scale.

    A site has far too few strangers to count one in 50,000. So the thresholds are moved as the
    scores of its strangers move: to the same distance from their mean, in their deviations. The
    tail is taken to keep its shape.

    Args:
        calibration: Of the embedder without the projection.
        faces: Of the site.
        projection: By `learn`.
        model: The new embedder's hash.
    """
    moved = Faces(projected(faces.vectors, projection), faces.people, faces.groups)
    rule, cohort = calibration.rule, calibration.rule.cohort
    crowd = cohort
    if len(cohort.vectors):
        crowd = Cohort(projected(cohort.vectors, projection), cohort.share, cohort.nearest)
    plain = _carrier(_strangers(faces), _strangers(moved))
    crowded = _carrier(_strangers(faces, cohort), _strangers(moved, crowd))
    curves = tuple((count, _moved(curve, crowded)) for count, curve in rule.curves)
    how = f", carried over to a projection learnt from {len(faces.pictures)} people"
    return Calibration(
        model,
        _moved(calibration.pictures, plain),
        calibration.impostor_pairs,
        calibration.made_from + how,
        Rule(curves, crowd, rule.made_from + how),
    )


def _strangers(faces: Faces, cohort: Cohort | None = None) -> Floats:
    one, other = np.triu_indices(len(faces), 1)
    scores = (faces.vectors @ faces.vectors.T)[one, other]
    if cohort is not None:
        crowding = cohort.crowding(faces.vectors)
        scores -= crowding[one] + crowding[other]
    return scores[faces.people[one] != faces.people[other]]


def _carrier(before: Floats, after: Floats) -> tuple[float, float]:
    """Slope and offset from the scores of before to those of after."""
    slope = float(after.std() / before.std())
    return slope, float(after.mean()) - slope * float(before.mean())


def _moved(curve: Curve, carrier: tuple[float, float]) -> Curve:
    slope, offset = carrier
    points = [
        Point(p.fmr, p.upper, min(slope * p.threshold + offset, 1.0), extrapolated=True)
        for p in curve.points
    ]
    rising = [p for i, p in enumerate(points) if i == 0 or p.threshold > points[i - 1].threshold]
    return Curve(tuple(rising))


def _misses(
    vectors: Floats, people: Indices, pairs: tuple[Indices, Indices]
) -> tuple[Indices, Floats]:
    """Which genuine pairs miss the threshold for `COMPARED_FMR` among these people, and by what."""
    scores = (vectors @ vectors.T)[pairs]
    same = people[pairs[0]] == people[pairs[1]]
    strangers = np.sort(scores[~same])[::-1]
    margins = scores[same] - strangers[int(COMPARED_FMR * len(strangers))]
    return margins <= 0, margins


def _batch(faces: Faces, several: Indices, random: np.random.Generator) -> Indices:
    people = random.permutation(several)[:_BATCH]
    return np.concatenate(
        [random.permutation(np.flatnonzero(faces.people == p))[:_EACH] for p in people]
    )


def _slope(vectors: Floats, people: Indices, change: Floats) -> Floats:
    """The loss's derivative: for every pair of one person the hardest semi-hard negative."""
    moved = vectors + vectors @ change
    norms = np.linalg.norm(moved, axis=1, keepdims=True)
    unit = moved / norms
    cosines = unit @ unit.T
    same = people[:, np.newaxis] == people
    anchors, positives = np.nonzero(same & ~np.eye(len(people), dtype=bool))
    near = cosines[anchors, positives]
    # Semi-hard: further than the positive, by less than the margin; else the furthest there is.
    others = np.where(same[anchors], -np.inf, cosines[anchors])
    semi = np.where(others < near[:, np.newaxis], others, -np.inf)
    found = np.isfinite(semi).any(axis=1)
    negatives = np.where(found, semi.argmax(axis=1), others.argmin(axis=1))
    loss = cosines[anchors, negatives] - near + np.float32(_MARGIN)
    active = loss > 0
    anchors, positives, negatives = anchors[active], positives[active], negatives[active]
    pull = np.zeros_like(unit)
    np.add.at(pull, anchors, unit[negatives] - unit[positives])
    np.add.at(pull, positives, -unit[anchors])
    np.add.at(pull, negatives, unit[anchors])
    pull -= (pull * unit).sum(axis=1, keepdims=True) * unit
    return (vectors.T @ (pull / norms)) / np.float32(max(len(anchors), 1)) * np.float32(len(people))
