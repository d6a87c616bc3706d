"""Error rates of a verifier and how sure they are. Pure numpy; similarities, higher is more alike.

Terms are those of ISO/IEC 19795-1: FMR is the share of impostor pairs at or above the threshold,
FNMR the share of genuine pairs below it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.evaluate.intervals import TAIL, binomial_upper

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from edge.records import Floats

    Indices = NDArray[np.int64]
    Series = NDArray[np.float64]

REPLICATES = 500
EXCEEDANCES = 500
"""Pairs that a tail is fitted to."""
_TAIL = 0.06
"""Share of the impostor pairs, the most similar ones, whose people are remembered."""
_ALL_BELOW = 100_000
"""So few pairs are all remembered."""


@dataclass(frozen=True, slots=True, eq=False)
class Impostors:
    """Pairs of two different people, the most similar first.

    Resampling draws people, not pairs: one person's many pairs rise and fall together, and
    pretending that they are independent makes an interval far too narrow.
    """

    scores: Floats
    """`(n,)`, falling."""
    people: Indices
    """`(m, 2)`: who is compared in the first `m` pairs; `m` may be less than `n`."""
    images: Indices
    """`(p,)`: how many images each person brings when every cross-person pair was scored; all
    zeros when the pairs were listed, and `people` then names all of them."""

    def __len__(self) -> int:
        return len(self.scores)

    def threshold(self, fmr: float) -> float:
        """The lowest similarity at or above which no more than a share `fmr` of the pairs lies."""
        allowed = int(fmr * len(self.scores))
        if allowed >= len(self.scores):
            return -1.0
        return float(np.nextafter(self.scores[allowed], np.float32(2)))

    def count(self, threshold: float) -> int:
        """How many pairs lie at or above `threshold`."""
        return int(np.searchsorted(-self.scores, -np.float32(threshold), side="right"))

    def cumulated(self, weights: Indices) -> Series:
        """FMR at each of the first `m` scores when person `i` is drawn `weights[i]` times."""
        each = weights[self.people[:, 0]] * weights[self.people[:, 1]]
        drawn = weights * self.images
        crossed = (drawn.sum() ** 2 - (drawn**2).sum()) // 2
        total = crossed if self.images.any() else each.sum()
        return np.asarray(np.cumsum(each) / max(total, 1), np.float64)


def all_impostors(vectors: Floats, people: Indices) -> Impostors:
    """Every pair of vectors of two different people.

    Args:
        vectors: `(n, d)` unit vectors.
        people: `(n,)`, the number of the person each shows.
    """
    rows, others, scores = [], [], []
    for row in range(len(vectors) - 1):
        other = row + 1 + np.flatnonzero(people[row + 1 :] != people[row])
        scores.append(vectors[other] @ vectors[row])
        rows.append(np.full(len(other), people[row], np.int32))
        others.append(people[other].astype(np.int32))
    pairs = np.stack([np.concatenate(rows), np.concatenate(others)], axis=1)
    return _sorted(np.concatenate(scores), pairs, np.bincount(people))


def listed_impostors(scores: Floats, people: Indices, count: int) -> Impostors:
    """The pairs of a list.

    Args:
        scores: `(n,)`.
        people: `(n, 2)`, who is compared.
        count: how many people there are.
    """
    return _sorted(scores, people, np.zeros(count, np.int64), remember=len(scores))


def _sorted(
    scores: Floats, people: NDArray[np.generic], images: Indices, remember: int | None = None
) -> Impostors:
    keep = remember or max(min(len(scores), _ALL_BELOW), int(_TAIL * len(scores)))
    order = np.argsort(-scores, kind="stable")
    tail = people[order[:keep]].astype(np.int64)
    return Impostors(scores[order].astype(np.float32), tail, images.astype(np.int64))


@dataclass(frozen=True, slots=True, eq=False)
class Genuine:
    """Pairs of two images of one person."""

    scores: Floats
    """`(n,)`."""
    people: Indices
    """`(n,)`: whose."""

    def fnmr(self, threshold: float) -> float:
        """Share below `threshold`."""
        return float(np.mean(self.scores < threshold))


@dataclass(frozen=True, slots=True)
class Rate:
    """A measured rate with its 95 % interval."""

    value: float
    low: float
    high: float
    threshold: float


def fnmr_at(genuine: Genuine, impostors: Impostors, rates: Sequence[float]) -> list[Rate]:
    """FNMR at each false-match rate; threshold and FNMR are both resampled over people."""
    thresholds = [impostors.threshold(rate) for rate in rates]
    drawn = []
    for weights in draws(len(impostors.images)):
        fmr = impostors.cumulated(weights)
        first_above = np.searchsorted(fmr, rates, side="right")
        limits = impostors.scores[np.minimum(first_above, len(impostors) - 1)]
        each = weights[genuine.people]
        below = genuine.scores[None, :] <= limits[:, None]
        drawn.append((below * each).sum(axis=1) / max(each.sum(), 1))
    low, high = interval(np.array(drawn))
    values = [genuine.fnmr(threshold) for threshold in thresholds]
    return [
        Rate(value, float(min(a, value)), float(max(b, value)), threshold)
        for value, a, b, threshold in zip(values, low, high, thresholds, strict=True)
    ]


def fmr_upper(impostors: Impostors, thresholds: Sequence[float]) -> list[float]:
    """Upper 95 % bounds of the FMR at fixed thresholds.

    The larger of two: resampled over people, which knows that pairs share people; and the exact
    binomial bound (Clopper & Pearson 1934), which still stands where nothing was counted.
    """
    counts = [impostors.count(threshold) for threshold in thresholds]
    drawn = []
    for weights in draws(len(impostors.images)):
        fmr = np.concatenate([[0.0], impostors.cumulated(weights)])
        drawn.append(fmr[np.minimum(counts, len(fmr) - 1)])
    _, high = interval(np.array(drawn))
    exact = [binomial_upper(count, len(impostors)) for count in counts]
    return [float(max(pair)) for pair in zip(high, exact, strict=True)]


def draws(people: int) -> Iterator[Indices]:
    """How often each person appears when as many are drawn with replacement, many times.

    The same draws each time, so that a figure made again is the same figure.
    """
    rng = np.random.default_rng(0)
    for _ in range(REPLICATES):
        yield np.bincount(rng.integers(0, people, people), minlength=people)


def interval(drawn: Series) -> tuple[Series, Series]:
    """The 95 % interval of what was drawn."""
    low, high = np.quantile(drawn, [TAIL, 1 - TAIL], axis=0)
    return low, high


def tail_threshold(impostors: Impostors, fmr: float) -> float:
    """A threshold for a rate beyond what can be counted, from the impostors' tail.

    Peaks over a threshold (Davison & Smith 1990) with shape 0: scores above the level `u` that
    `EXCEEDANCES` pairs reach fall off exponentially. Cosine ends at 1, so the true tail is lighter
    and the threshold errs towards strictness.
    """
    level = min(EXCEEDANCES, len(impostors) - 1)
    u = float(impostors.scores[level])
    mean_excess = float(impostors.scores[:level].mean()) - u
    return min(u + mean_excess * float(np.log(level / (len(impostors) * fmr))), 1.0)


def equal_error(genuine: Genuine, impostors: Impostors) -> float:
    """The rate at which FMR and FNMR meet (their mean at the threshold where they are nearest)."""
    thresholds = np.unique(genuine.scores)
    fnmr = np.searchsorted(np.sort(genuine.scores), thresholds, side="left") / len(genuine.scores)
    above = np.searchsorted(-impostors.scores, -thresholds, side="right")
    fmr = above / len(impostors)
    nearest = int(np.argmin(np.abs(fmr - fnmr)))
    return float((fmr[nearest] + fnmr[nearest]) / 2)


def d_prime(genuine: Genuine, impostors: Impostors) -> float:
    """Distance of the two means in pooled standard deviations."""
    spread = np.sqrt((genuine.scores.var() + impostors.scores.var()) / 2)
    return float((genuine.scores.mean() - impostors.scores.mean()) / max(float(spread), 1e-12))


def fold_accuracies(scores: Floats, same: NDArray[np.bool_], folds: Indices) -> list[float]:
    """LFW's rule (Huang et al. 2007): each fold is judged by the best threshold of the others."""
    accuracies = []
    for fold in np.unique(folds):
        held = folds == fold
        threshold = best_threshold(scores[~held], same[~held])
        accuracies.append(float(np.mean((scores[held] >= threshold) == same[held])))
    return accuracies


def best_threshold(scores: Floats, same: NDArray[np.bool_]) -> float:
    """The threshold that judges most pairs right; of several equally good ones the middle one."""
    order = np.argsort(scores, kind="stable")
    ranked, labels = scores[order], same[order]
    # With the threshold before place i, the first i pairs are called different.
    wrong_below = np.concatenate([[0], np.cumsum(labels)])
    wrong_above = np.concatenate([np.cumsum(~labels[::-1])[::-1], [0]])
    wrong = wrong_below + wrong_above
    edges = np.concatenate([[-np.inf], (ranked[1:] + ranked[:-1]) / 2, [np.inf]])
    possible = np.concatenate([[True], ranked[1:] > ranked[:-1], [True]])
    places = np.flatnonzero(possible & (wrong == wrong[possible].min()))
    return float(edges[places[len(places) // 2]])
