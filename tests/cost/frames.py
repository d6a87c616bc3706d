"""A face in view, and nobody: what the costs of a frame are counted on.

As a program it steps through them, and tells callgrind when to count.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from edge.config import Config
from edge.evaluate.bench import frames_of
from edge.vision.pipeline import Pipeline
from edge.vision.portraits import portraits
from edge.vision.stages import Stages

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.records import Frame

FPS = 30
WARM_UP = 15
"""Half a second: by then it is known that nothing stirs."""
COUNTED = 12
"""Frames that callgrind counts: among them the detector and the embedder run once or twice."""


def face(count: int) -> Iterator[Frame]:
    """Somebody stands there, swaying a little."""
    for frame in frames_of(portraits()[:1], count):
        yield replace(frame, captured_at=frame.sequence / FPS)


def nobody(count: int) -> Iterator[Frame]:
    """A black wall."""
    pixels = np.zeros((480, 640, 3), np.uint8)
    for frame in face(count):
        yield replace(frame, pixels=pixels.copy())


def pipeline() -> Pipeline:
    """With the default models, on one thread."""
    config = Config()
    models = config.models.model_copy(update={"threads": 1})
    config = config.model_copy(update={"models": models})
    return Pipeline(Stages.load(config), config)


def main() -> None:
    """Step through the face's frames; count after the first few."""
    door, shown = pipeline(), list(face(WARM_UP + COUNTED))
    for frame in islice(shown, WARM_UP):
        door.step(frame)
    subprocess.run(["callgrind_control", "--instr=on", str(os.getpid())], check=True)
    for frame in shown[WARM_UP:]:
        door.step(frame)
    sys.stdout.flush()
    os._exit(0)  # or Python's own end would be counted too


if __name__ == "__main__":
    main()
