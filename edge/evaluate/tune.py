"""How many threads does each network want on this machine?"""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from edge.vision.models.chosen import chosen
from edge.vision.models.known import pictures
from edge.vision.models.model import Model
from edge.vision.models.runtimes import choose
from edge.vision.models.threads import cores

if TYPE_CHECKING:
    from edge.config import Config
    from edge.vision.models.entries import Entry

RUNS, WARM_UP = 40, 5
WORTH = 0.9
"""A thread more must bring a tenth: it takes a core from the other programs."""


@dataclass(frozen=True, slots=True)
class Tuned:
    """One network on each number of threads."""

    model: str
    sha256: str
    ms: tuple[float, ...]
    """Median of a run on 1, 2, ... threads."""

    @property
    def threads(self) -> int:
        """The fewest that are worth it."""
        best = 1
        for count, ms in enumerate(self.ms, start=1):
            if ms <= WORTH * self.ms[best - 1]:
                best = count
        return best


def tune(config: Config) -> list[Tuned]:
    """Time every network that the configuration names, on one thread up to one a core.

    Raises:
        ModelError: a network cannot be loaded.
    """
    return [_tuned(entry, config) for entry in chosen(config)]


def _tuned(entry: Entry, config: Config) -> Tuned:
    runtime = choose(config.models.runtime)
    models = [Model(entry, runtime, threads) for threads in range(1, cores() + 1)]
    shown = [pictures(*models[0].size)[0]] * entry.input.pictures
    spans: list[list[float]] = [[] for _ in models]
    for _ in range(WARM_UP + RUNS):  # in turn, so that a busy moment falls on all alike
        for model, mine in zip(models, spans, strict=True):
            begin = time.perf_counter()
            model.run(*shown)
            mine.append((time.perf_counter() - begin) * 1e3)
    return Tuned(entry.name, entry.sha256, tuple(median(mine[WARM_UP:]) for mine in spans))
