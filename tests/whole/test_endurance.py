"""A hundred thousand frames: nothing grows."""

from __future__ import annotations

import re
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.config import Config
from edge.evaluate.bench import frames_of
from edge.vision.pipeline import Pipeline

if TYPE_CHECKING:
    from edge.records import Pixels
    from edge.vision.pipeline import Stages

FRAMES, EVERY, SETTLED = 100_000, 2_500, 10_000
MOST_MB = 1.0
"""Over all frames after the first ones, by a line through the samples."""


def own_mb() -> float:
    """Anonymous memory: what is shared weighs more or less as other programs come and go."""
    rollup = Path("/proc/self/smaps_rollup").read_text()
    found = re.search(r"^Anonymous:\s+(\d+) kB", rollup, re.MULTILINE)
    assert found
    return int(found[1]) / 1024


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_memory_files_and_threads_do_not_grow(stages: Stages, pictures: list[Pixels]) -> None:
    pipeline = Pipeline(stages, Config())
    frames: list[int] = []
    weights: list[float] = []
    counts: set[tuple[int, int]] = set()
    for frame in frames_of(pictures, FRAMES):
        pipeline.step(replace(frame, captured_at=frame.sequence / 30))
        if frame.sequence > SETTLED and frame.sequence % EVERY == 0:
            frames.append(frame.sequence)
            weights.append(own_mb())
            open_files = len(list(Path("/proc/self/fd").iterdir()))
            counts.add((open_files, threading.active_count()))
    slope = np.polyfit(frames, weights, 1)[0]
    assert slope * FRAMES < MOST_MB, weights
    assert len(counts) == 1, counts
