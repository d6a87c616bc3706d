"""Exact confidence intervals: of a rate (Clopper and Pearson 1934), of a median."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

TAIL = 0.025
"""On each side: what is left out of a 95 % interval."""
_STEPS = 60  # bisections: beyond double precision


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `count`, with the exact 95 % interval of the rate behind them."""

    hits: int
    count: int

    @property
    def value(self) -> float | None:
        """The share; None of nothing."""
        return self.hits / self.count if self.count else None

    @property
    def low(self) -> float:
        """Lower end: a rate below it gives so many hits or more in 2.5 % of all series at most."""
        return 1 - binomial_upper(self.count - self.hits, self.count)

    @property
    def high(self) -> float:
        """Upper end: a rate above it gives so few hits in 2.5 % of all series at most."""
        return binomial_upper(self.hits, self.count)

    def as_dict(self) -> dict[str, float | int | list[float] | None]:
        """For JSON."""
        interval = [round(self.low, 5), round(self.high, 5)]
        value = None if self.value is None else round(self.value, 5)
        return {"value": value, "interval_95": interval, "hits": self.hits, "count": self.count}


@dataclass(frozen=True, slots=True)
class Median:
    """The median of some values, with the 95 % interval of the one behind them.

    The interval is that of order statistics (David and Nagaraja, Order Statistics, 7.1), whatever
    the values are spread like; with fewer than six there is none.
    """

    values: tuple[float, ...]

    @property
    def value(self) -> float | None:
        """The median; None of nothing."""
        return float(np.median(self.values)) if self.values else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Its ends, which are two of the values."""
        count = len(self.values)
        chances = np.cumsum([math.comb(count, hits) / 2**count for hits in range(count)])
        beyond = int(np.searchsorted(chances, TAIL, side="right"))  # values left out on each side
        if not beyond:
            return None
        ordered = sorted(self.values)
        return ordered[beyond - 1], ordered[count - beyond]

    def as_dict(self) -> dict[str, float | int | list[float] | None]:
        """For JSON."""
        interval = None if self.interval is None else list(self.interval)
        return {"median": self.value, "interval_95": interval, "count": len(self.values)}


def binomial_upper(hits: int, count: int) -> float:
    """The rate from which `hits` or fewer in `count` trials have a chance of 2.5 % at most."""
    if hits >= count:
        return 1.0
    steps = np.arange(1, hits + 1, dtype=np.float64)
    choose = np.concatenate([[0.0], np.cumsum(np.log((count - steps + 1) / steps))])
    fewer = np.arange(hits + 1)
    low, high = hits / count, 1.0
    for _ in range(_STEPS):
        p = (low + high) / 2
        chance = np.exp(choose + fewer * np.log(p) + (count - fewer) * np.log1p(-p)).sum()
        low, high = (p, high) if chance > TAIL else (low, p)
    return high
