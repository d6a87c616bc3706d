"""Attempts as the door judges them: one probe against a template of several captures.

The probes of an attempt are consecutive frames, which err together: over 44 films against 963
strangers, the mean of three frames 0.2 s apart needs 0.315 for an FMR of 1e-4 where a single one
needs 0.326 (three different pictures: 0.297 where one needs 0.340); and the best of the six runs
of three that one attempt may see needs 0.338. So strangers are counted by the single probe, which
lies between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.access.gallery import NEAREST
from edge.evaluate.intervals import binomial_upper
from edge.evaluate.stats import draws, interval

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge.access.cohort import Cohort
    from edge.evaluate.people import Faces
    from edge.evaluate.stats import Indices, Series
    from edge.records import Floats

_TAIL = 20_000
"""Attempts, the most alike, whose people are remembered."""
_EXCEEDANCES = 500
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
        level = min(_EXCEEDANCES, len(self.scores) - 1)
        over = self.scores[:level] - self.scores[level]
        mean = float(np.average(over, weights=self.weights[:level]))
        return float(self.scores[level]) + mean * float(np.log(reached[level - 1] / fmr))

    def counted(self, fmr: float) -> bool:
        """Whether 30 attempts or more lie above that threshold."""
        return int(np.searchsorted(np.cumsum(self.weights), fmr, side="right")) >= ENOUGH

    def fmr(self, threshold: float) -> float:
        """Share of strangers at or above a threshold."""
        return float(self.weights[: self._above(threshold)].sum())

    def intervals(self, thresholds: Sequence[float], seed: int = 0) -> list[tuple[float, float]]:
        """95 % intervals of the FMR at fixed thresholds.

        Resampled over people; the upper end is at least the exact one for as many attempts as
        their weights are worth (Kish 1965).
        """
        above = np.array([self._above(threshold) for threshold in thresholds])
        drawn = []
        for times in draws(self.count, seed):
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
    faces: Faces, cohort: Cohort, captures: int, *, at_least: int = 0, seed: int = 0, takes: int = 1
) -> Strangers:
    """Every face against the template of everybody else in its group.

    Args:
        faces: Probes, and the pictures that templates are made of.
        cohort: See there.
        captures: In each template, drawn at random.
        at_least: Templates are made of people with so many pictures.
        seed: Of the draw.
        takes: How often to draw.
    """
    random = np.random.default_rng(seed)
    enough = _at_most(_TEMPLATES, faces, random, max(captures, at_least))
    crowding = cohort.crowding(faces.vectors)
    parts = [
        (block[rows, columns], rows, owners[columns])
        for _ in range(takes)
        for block, owners in _scores(faces, crowding, enough, captures, random)
        for rows, columns in [_of_strangers(faces, owners)]
    ]
    scores = np.concatenate([part[0] for part in parts])
    probes, templates = (np.concatenate([part[i] for part in parts]) for i in (1, 2))
    attempts = np.bincount(faces.groups[probes], minlength=len(faces.names))
    counts = attempts >= min(_FEWEST, attempts.max(initial=0))
    group = np.zeros(len(faces.pictures), np.int64)
    group[faces.people] = faces.groups
    share = np.bincount(group, minlength=len(faces.names)) * counts
    worth = share / max(share.sum(), 1) / np.maximum(attempts, 1)
    weights = worth[faces.groups[probes]]
    order = np.argsort(-scores, kind="stable")
    order = order[weights[order] > 0]
    tail = order[:_TAIL]
    people = np.stack([faces.people[probes[tail]], templates[tail]], axis=1)
    return Strangers(scores[order], weights[order], people, len(faces.pictures))


def _at_most(count: int, faces: Faces, random: np.random.Generator, pictures: int) -> Indices:
    """People with so many pictures, at most `count` of a group."""
    group = np.zeros(len(faces.pictures), np.int64)
    group[faces.people] = faces.groups
    people = random.permutation(np.flatnonzero(faces.pictures >= pictures))
    chosen = [people[group[people] == number][:count] for number in range(len(faces.names))]
    return np.concatenate(chosen)


def of_group(faces: Faces, group: int) -> Faces:
    """The faces of one group alone."""
    chosen = faces.groups == group
    _, people = np.unique(faces.people[chosen], return_inverse=True)
    return type(faces)(faces.vectors[chosen], people, np.zeros(len(people), np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class Attempts:
    """Attempts of several probes each."""

    scores: Floats
    """`(n, probes)`: cosine less the crowding of both."""
    people: Indices
    """`(n, 2)`: the probes' and the template's."""


def attempts(
    faces: Faces, cohort: Cohort, captures: int, probes: int, *, seed: int = 0, takes: int = 5
) -> tuple[Attempts, Attempts]:
    """Genuine attempts and strangers', against templates of people with enough pictures for both.

    Strangers are of the template's group; one with fewer pictures than probes shows one of them
    throughout, as consecutive frames nearly do.
    """
    random = np.random.default_rng(seed)
    crowding = cohort.crowding(faces.vectors)
    group = dict(zip(faces.people.tolist(), faces.groups.tolist(), strict=True))
    own: tuple[list[Floats], list[Indices]] = ([], [])
    others: tuple[list[Floats], list[Indices]] = ([], [])
    for _ in range(takes):
        rows, owners = _dealt(faces, probes, random)
        for person in np.flatnonzero(faces.pictures >= captures + probes):
            drawn = random.permutation(np.flatnonzero(faces.people == person))
            template, probe = drawn[:captures], drawn[captures : captures + probes]
            cosines = faces.vectors @ faces.vectors[template].T - crowding[template]
            scores = _nearest(cosines) - crowding
            own[0].append(scores[probe][np.newaxis])
            own[1].append(np.array([[person, person]]))
            met = (owners != person) & (faces.groups[rows[:, 0]] == group[int(person)])
            others[0].append(scores[rows[met]])
            others[1].append(np.stack([owners[met], np.full(met.sum(), person)], axis=1))
    return (
        Attempts(np.concatenate(own[0]), np.concatenate(own[1])),
        Attempts(np.concatenate(others[0]), np.concatenate(others[1])),
    )


def _dealt(faces: Faces, probes: int, random: np.random.Generator) -> tuple[Indices, Indices]:
    """Everybody's pictures in hands of `probes`: rows `(m, probes)` and whose `(m,)`."""
    hands = []
    for person in range(len(faces.pictures)):
        rows = random.permutation(np.flatnonzero(faces.people == person))
        whole = len(rows) // probes * probes
        hands.append(rows[:whole].reshape(-1, probes) if whole else np.tile(rows[:1], (1, probes)))
    dealt = np.concatenate(hands)
    return dealt, faces.people[dealt[:, 0]]


def _scores(
    faces: Faces, crowding: Floats, enough: Indices, captures: int, random: np.random.Generator
) -> Iterator[tuple[Floats, Indices]]:
    """Blocks of `(n, t)` scores of every face against `t` templates, and whose those are."""
    for start in range(0, len(enough), 32):
        owners = enough[start : start + 32]
        rows = np.concatenate(
            [random.permutation(np.flatnonzero(faces.people == p))[:captures] for p in owners]
        )
        cosines = faces.vectors @ faces.vectors[rows].T - crowding[rows]
        yield (
            _nearest(cosines.reshape(len(faces), len(owners), captures)) - crowding[:, np.newaxis],
            owners,
        )


def _nearest(scores: Floats) -> Floats:
    """The mean of the captures that count, over the last axis: see `Gallery`."""
    count = min(NEAREST, scores.shape[-1])
    return np.partition(scores, -count, axis=-1)[..., -count:].mean(axis=-1)


def _of_strangers(faces: Faces, owners: Indices) -> tuple[Indices, Indices]:
    """Rows and columns of a block in which two people of one group meet."""
    group = np.zeros(len(faces.pictures), np.int64)
    group[faces.people] = faces.groups
    apart = faces.people[:, np.newaxis] != owners
    rows, columns = np.nonzero(apart & (faces.groups[:, np.newaxis] == group[owners]))
    return rows, columns
