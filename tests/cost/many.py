"""One face among very many: `python -m tests.cost.many` times the comparison and counts misses.

People are drawn from the normal distribution of the cohort's vectors, which are real faces'; a
probe lies at a cosine of about 0.6 from its own template, as a hard visit does. What is timed is
`matcher.match`, in the processor's time of one thread.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.access.gallery import Gallery
from edge.access.matcher import match
from edge.access.nearest import MANY
from edge.config import Config
from edge.records import Embedding, Template
from edge.vision.calibrated import read_calibration

if TYPE_CHECKING:
    from edge.records import Floats

SIZES = (1_000, 10_000, 100_000, MANY, MANY + 20_000)
RATE = 2e-5
"""Of each template, whatever their number: no calibration goes as far as a share of so many."""
PROBES, LIKENESS = 200, 0.6
_CALIBRATION = read_calibration(Config())
_COHORT = _CALIBRATION.rule.cohort


@dataclass(frozen=True, slots=True)
class Found:
    """What one size of gallery does."""

    people: int
    ready_s: float
    median_ms: float
    p95_ms: float
    found: float
    """Share of the probes for which the same template is best as when all are compared."""


def faces(count: int, random: np.random.Generator) -> Floats:
    """Unit vectors that lie as the cohort's do, `(n, d)`."""
    middle = _COHORT.vectors.mean(axis=0)
    spread = (_COHORT.vectors - middle) / np.sqrt(len(_COHORT.vectors))
    drawn = random.normal(size=(count, len(spread))).astype(np.float32) @ spread + middle
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


def measured(count: int) -> Found:
    random = np.random.default_rng(count)
    vectors = faces(count, random)
    begin = time.process_time()
    people = [Template(str(n), v[np.newaxis], _CALIBRATION.model) for n, v in enumerate(vectors)]
    gallery = Gallery(people, _COHORT)
    ready_s = time.process_time() - begin
    own = vectors[random.integers(count, size=PROBES)]
    noise = faces(PROBES, random)
    noise -= (noise * own).sum(axis=1, keepdims=True) * own
    noise /= np.linalg.norm(noise, axis=1, keepdims=True)
    spans, hits = [], 0
    for probe in LIKENESS * own + np.sqrt(1 - LIKENESS**2) * noise:
        exact = gallery.vectors @ probe - gallery.crowding
        begin = time.process_time()
        best = match(Embedding(probe, _CALIBRATION.model), gallery, _CALIBRATION, RATE * count)
        spans.append(time.process_time() - begin)
        hits += best.person == str(int(exact.argmax()))
    median, p95 = np.percentile(np.array(spans) * 1e3, [50, 95])
    return Found(count, ready_s, float(median), float(p95), hits / PROBES)


if __name__ == "__main__":
    for size in SIZES:
        print(measured(size), flush=True)
