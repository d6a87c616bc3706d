"""A camera that delivers the very same picture again and again is known by it."""

import numpy as np

from edge.config import Config
from edge.records import Frame
from edge.vision.frozen import ROWS_COMPARED
from edge.vision.pipeline import Pipeline
from edge.vision.stages import Stages


def test_the_same_picture_grows_old_until_one_grey_level_differs(stages: Stages) -> None:
    pipeline = Pipeline(stages, Config())
    wall = np.full((480, 640, 3), 90, np.uint8)
    other = wall.copy()
    other[3 * ROWS_COMPARED, 5, 1] += 1
    shown = (wall, wall.copy(), wall.copy(), other, other.copy(), other[:240], other[:240].copy())
    ages = [
        pipeline.step(Frame(pixels, at * 0.5, at + 1)).unchanged_s
        for at, pixels in enumerate(shown)
    ]
    assert ages == [0.0, 0.5, 1.0, 0.0, 0.5, 0.0, 0.5]
