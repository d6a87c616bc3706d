"""A hundred thousand frames: nothing grows."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edge.config import Config
from edge.evaluate.bench import frames_of
from edge.evaluate.peers import FPS, WhatIsDue
from edge.records import Frame

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.records import Pixels

FRAMES, EVERY, SETTLED = 100_000, 2_500, 10_000
MOST_MB = 1.0
"""Over all frames after the first ones, by a line through the samples."""
_SMALL = (320, 240)
_SWAY = 24  # frames until a face is where it was
_NOBODY_EVERY, _NOBODY = 600, 90
"""Every 20 seconds the person leaves for three: tracks, attempts and the detector's rest too."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One process after so many frames: MB of proportional and of own memory, and what it holds."""

    frame: int
    pss_mb: float
    own_mb: float
    open_files: int
    threads: int


def weighed(frame: int) -> Sample:
    rollup = Path("/proc/self/smaps_rollup").read_text()
    found = re.findall(r"^(?:Pss|Anonymous):\s+(\d+) kB", rollup, re.MULTILINE)
    pss, own = (int(kb) / 1024 for kb in found)
    open_files = len(list(Path("/proc/self/fd").iterdir()))
    return Sample(frame, pss, own, open_files, threading.active_count())


def shown(pictures: list[Pixels], count: int) -> Iterator[Frame]:
    """A camera that waits for nobody: small frames, a face that sways, goes and comes back."""
    there = [cv2.resize(frame.pixels, _SMALL) for frame in frames_of(pictures, 2 * _SWAY)]
    nobody = np.zeros_like(there[0])
    for number in range(1, count + 1):
        away = number % _NOBODY_EVERY < _NOBODY
        pixels = nobody if away else there[number // _NOBODY_EVERY % 2 * _SWAY + number % _SWAY]
        yield Frame(pixels.copy(), number / FPS, number)


def slope(samples: list[Sample], what: str) -> tuple[float, float]:
    """How much more of it after `FRAMES` frames, and twice the standard error of that."""
    frames = np.array([sample.frame for sample in samples], float)
    values = np.array([getattr(sample, what) for sample in samples], float)
    (per_frame, _), covariance = np.polyfit(frames, values, 1, cov=True)
    return per_frame * FRAMES, 2 * float(np.sqrt(covariance[0, 0])) * FRAMES


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_memory_files_and_threads_do_not_grow(pictures: list[Pixels]) -> None:
    door, samples = WhatIsDue(Config()), []
    for frame in shown(pictures, FRAMES):
        door.look(frame)
        if frame.sequence > SETTLED and frame.sequence % EVERY == 0:
            samples.append(weighed(frame.sequence))
    # The proportional share is told, and not judged: other programs come and go.
    for what in ("pss_mb", "own_mb", "open_files", "threads"):
        print(f"{what}: %+.3f, twice the standard error %.3f" % slope(samples, what))
    assert slope(samples, "own_mb")[0] < MOST_MB, samples
    assert len({(sample.open_files, sample.threads) for sample in samples}) == 1, samples
