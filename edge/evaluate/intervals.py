"""Exact binomial confidence intervals (Clopper and Pearson 1934)."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, lgamma, log
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_TAIL = 0.025  # on each side
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
        if self.hits == 0:
            return 0.0
        return _solve(lambda p: 1 - _at_most(self.hits - 1, self.count, p) > _TAIL)

    @property
    def high(self) -> float:
        """Upper end: a rate above it gives so few hits in 2.5 % of all series at most."""
        if self.hits == self.count:
            return 1.0
        return _solve(lambda p: _at_most(self.hits, self.count, p) <= _TAIL)

    def as_dict(self) -> dict[str, float | int | list[float] | None]:
        """For JSON."""
        interval = [round(self.low, 5), round(self.high, 5)]
        value = None if self.value is None else round(self.value, 5)
        return {"value": value, "interval_95": interval, "hits": self.hits, "count": self.count}


def _at_most(hits: int, count: int, p: float) -> float:
    """Probability of `hits` or fewer in `count` trials."""
    if p <= 0:
        return 1.0
    if p >= 1:
        return float(hits >= count)
    whole = lgamma(count + 1)
    return sum(
        exp(whole - lgamma(k + 1) - lgamma(count - k + 1) + k * log(p) + (count - k) * log(1 - p))
        for k in range(hits + 1)
    )


def _solve(above: Callable[[float], bool]) -> float:
    """The rate from which `above` holds."""
    low, high = 0.0, 1.0
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if above(middle):
            high = middle
        else:
            low = middle
    return high
