"""Attempts as the door judges them: several probes as one against a template of several captures.

Consecutive frames err together: over 44 films against 94 actors' templates, three frames 0.2 s
apart reach what a single one does (at FMR 1e-4 0.35 and 0.34, MobileFaceNet), and the best of the
six threes that an attempt may see 0.375. Three different pictures of a stranger, which have more in
common with others once what is chance in each is gone, reach that too. So strangers who have enough
pictures show different ones, and the others one throughout.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.access.gallery import pooled
from edge.evaluate.intervals import binomial_upper
from edge.evaluate.stats import EXCEEDANCES, draws, interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.access.cohort import Cohort
    from edge.evaluate.people import Faces
    from edge.evaluate.stats import Indices, Series
    from edge.records import Floats

_TAIL = 20_000
"""Attempts, the most alike, whose people are remembered."""
ENOUGH = 30
"""Errors that make a counted rate worth stating: the rule of 30 (+-30 % at 90 % confidence)."""
_TEMPLATES = 200
"""Of one group, drawn at random: more of the same group say little more."""
_FEWEST = 300
"""A group with fewer attempts does not count: one chance hit would be a rate of 1 in 300."""


@dataclass(frozen=True, slots=True, eq=False)
class Strangers:
    """Attempts of strangers, the most alike first. A group weighs as much as it has people."""

    scores: Floats
    """`(n,)`, falling: cosine less the crowding of both."""
    weights: Series
    """`(n,)`: each attempt's share of all; they add up to 1."""
    people: Indices
    """`(m, 2)`: probe and template of the first `m`."""
    count: int
    """People."""

    def threshold(self, fmr: float) -> float:
        """The score from which on a share `fmr` of strangers matches: counted, or from the tail."""
        reached = np.cumsum(self.weights)
        place = int(np.searchsorted(reached, fmr, side="right"))
        if place >= min(ENOUGH, len(self.scores)):
            return float(np.nextafter(self.scores[min(place, len(reached) - 1)], np.float32(2)))
        # Peaks over a threshold (Davison & Smith 1990) with shape 0: see `stats.tail_threshold`.
        level = min(EXCEEDANCES, len(self.scores) - 1)
        over = self.scores[:level] - self.scores[level]
        mean = float(np.average(over, weights=self.weights[:level]))
        return float(self.scores[level]) + mean * float(np.log(reached[level - 1] / fmr))

    def counted(self, fmr: float) -> bool:
        """Whether 30 attempts or more lie above that threshold."""
        return int(np.searchsorted(np.cumsum(self.weights), fmr, side="right")) >= ENOUGH

    def fmr(self, threshold: float) -> float:
        """Share of strangers at or above a threshold."""
        return float(self.weights[: self._above(threshold)].sum())

    def intervals(self, thresholds: Sequence[float]) -> list[tuple[float, float]]:
        """95 % intervals of the FMR at fixed thresholds.

        Resampled over people; the upper end is at least the exact one for as many attempts as
        their weights are worth (Kish 1965).
        """
        above = np.array([self._above(threshold) for threshold in thresholds])
        drawn = []
        for times in draws(self.count):
            each = self.weights[: len(self.people)] * times[self.people].prod(axis=1)
            reached = np.concatenate([[0.0], np.cumsum(each)])
            drawn.append(reached[np.minimum(above, len(each))])
        low, high = interval(np.array(drawn))
        worth = int(1 / (self.weights**2).sum())
        exact = [binomial_upper(min(int(n), worth), worth) for n in self._hits(thresholds, worth)]
        return [
            (float(a), float(min(max(b, c), 1))) for a, b, c in zip(low, high, exact, strict=True)
        ]

    def _hits(self, thresholds: Sequence[float], worth: int) -> list[float]:
        return [round(self.fmr(threshold) * worth) for threshold in thresholds]

    def _above(self, threshold: float) -> int:
        return int(np.searchsorted(-self.scores, -np.float32(threshold), side="right"))


def strangers(
    faces: Faces,
    cohort: Cohort,
    captures: int,
    *,
    probes: int = 1,
    at_least: int = 0,
    takes: int = 1,
) -> Strangers:
    """Everybody's attempts against the templates of everybody else in their group.

    Args:
        faces: The pictures that probes and templates are made of.
        cohort: See there.
        captures: In each template, drawn at random.
        probes: In each attempt.
        at_least: Templates are made of people with so many pictures.
        takes: How often to draw.
    """
    random = np.random.default_rng(0)
    owners = _at_most(_TEMPLATES, faces, random, max(captures, at_least))
    parts = [_met(faces, cohort, owners, captures, probes, random) for _ in range(takes)]
    scores, met, groups = (np.concatenate(each) for each in zip(*parts, strict=True))
    attempts = np.bincount(groups, minlength=len(faces.names))
    counts = attempts >= min(_FEWEST, attempts.max(initial=0))
    share = np.bincount(_group_of(faces), minlength=len(faces.names)) * counts
    worth = share / max(share.sum(), 1) / np.maximum(attempts, 1)
    weights = worth[groups]
    order = np.argsort(-scores, kind="stable")
    order = order[weights[order] > 0]
    return Strangers(scores[order], weights[order], met[order[:_TAIL]], len(faces.pictures))


def _met(
    faces: Faces,
    cohort: Cohort,
    owners: Indices,
    captures: int,
    probes: int,
    random: np.random.Generator,
) -> tuple[Floats, Indices, Indices]:
    """Scores `(n,)`, the probes' and the template's people `(n, 2)` and their group `(n,)`."""
    hands, group = fused(faces, probes, random), _group_of(faces)
    rows = [random.permutation(np.flatnonzero(faces.people == one))[:captures] for one in owners]
    templates = np.stack([pooled(faces.vectors[row]) for row in rows])
    needed = cohort.crowding(templates), cohort.crowding(hands.vectors)
    parts = []
    for number in range(len(faces.names)):
        columns = np.flatnonzero(group[owners] == number)
        here = np.flatnonzero(hands.groups == number)
        cosines = hands.vectors[here] @ templates[columns].T
        scores = cosines - needed[0][columns] - needed[1][here, np.newaxis]
        row, column = np.nonzero(hands.people[here, np.newaxis] != owners[columns])
        met = np.stack([hands.people[here[row]], owners[columns[column]]], axis=1)
        parts.append((scores[row, column], met, np.full(len(row), number)))
    scores, met, groups = (np.concatenate(each) for each in zip(*parts, strict=True))
    return scores, met, groups


def _group_of(faces: Faces) -> Indices:
    """Everybody's group `(people,)`."""
    group = np.zeros(len(faces.pictures), np.int64)
    group[faces.people] = faces.groups
    return group


def _at_most(count: int, faces: Faces, random: np.random.Generator, pictures: int) -> Indices:
    """People with so many pictures, at most `count` of a group."""
    group = _group_of(faces)
    people = random.permutation(np.flatnonzero(faces.pictures >= pictures))
    chosen = [people[group[people] == number][:count] for number in range(len(faces.names))]
    return np.concatenate(chosen)


def fused(faces: Faces, probes: int, random: np.random.Generator) -> Faces:
    """What attempts show: everybody's pictures in hands of `probes`, each hand as one vector.

    Who has fewer shows each of them throughout.
    """
    hands: list[Indices] = []
    for person in range(len(faces.pictures)):
        rows = random.permutation(np.flatnonzero(faces.people == person))
        size = probes if len(rows) >= probes else 1
        hands += np.split(rows[: len(rows) // size * size], len(rows) // size)
    first = np.array([hand[0] for hand in hands])
    vectors = np.stack([pooled(faces.vectors[hand]) for hand in hands])
    return type(faces)(vectors, faces.people[first], faces.groups[first], faces.names)


@dataclass(frozen=True, slots=True, eq=False)
class Attempts:
    """Attempts of several probes each."""

    scores: Floats
    """`(n,)`: cosine less the crowding of both."""
    people: Indices
    """`(n, 2)`: the probes' and the template's."""


def attempts(
    faces: Faces, cohort: Cohort, captures: int, probes: int, *, takes: int = 20
) -> tuple[Attempts, Attempts]:
    """Genuine attempts and strangers', against templates of people with enough pictures for both.

    Strangers are of the template's group.
    """
    random = np.random.default_rng(0)
    enough = np.flatnonzero(faces.pictures >= captures + probes)
    own: list[float] = []
    met = []
    for _ in range(takes):
        drawn = [random.permutation(np.flatnonzero(faces.people == one)) for one in enough]
        templates = np.stack([pooled(faces.vectors[rows[:captures]]) for rows in drawn])
        shown = np.stack([pooled(faces.vectors[rows[captures:][:probes]]) for rows in drawn])
        cosines = np.einsum("nd,nd->n", templates, shown)
        own += (cosines - cohort.crowding(templates) - cohort.crowding(shown)).tolist()
        met.append(_met(faces, cohort, enough, captures, probes, random))
    scores, people, _ = (np.concatenate(each) for each in zip(*met, strict=True))
    same = np.tile(enough[:, np.newaxis], (takes, 2))
    return Attempts(np.array(own, np.float32), same), Attempts(scores, people)
