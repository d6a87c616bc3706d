"""Bands of light that roll over a face speak against it; what moves in a room does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edge.config import Config
from edge.records import Box, Face, Frame
from edge.vision.liveness.bands import SIDE, Bands, rolling
from edge.vision.liveness.limits import BANDS_COUNT, BANDS_FULL, BANDS_MOST, BANDS_WITHIN_S
from edge.vision.liveness.views import View
from edge.vision.pipeline import Pipeline
from edge.vision.stages import Stages

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.ops.demo.animate import Portrait
    from edge.records import Pixels

FPS = 15
FACE = Face(Box(110, 70, 100, 100), np.empty((0, 2), np.float32), 1.0)


def scene() -> Pixels:
    """A room without edges of its own, `(240, 320, 3)`."""
    random = np.random.default_rng(1)
    light = cv2.GaussianBlur(random.uniform(0, 255, (240, 320, 3)), (0, 0), 9)
    return np.clip(110 + 6 * (light - light.mean()), 0, 255).astype(np.uint8)


def banded(pixels: Pixels, at: float, deep: float = 0.1) -> Pixels:
    """Five bands on the picture, each of which rolls on by two in a second."""
    rows = np.arange(len(pixels))[:, None, None] / len(pixels)
    dark = deep * (0.5 + 0.5 * np.sin(2 * np.pi * (5 * rows - 2 * at)))
    noise = np.random.default_rng(round(100 * at)).normal(0, 3, pixels.shape)
    return np.clip(pixels * (1 - dark) + noise, 0, 255).astype(np.uint8)


def moved(pixels: Pixels, at: float) -> Pixels:
    """The camera sways and the lamp flickers."""
    place = np.array([[1 + 0.3 * at, 0.1 * at, 40 * at], [-0.1 * at, 1 + 0.3 * at, 30 * at]])
    seen = cv2.warpAffine(pixels, place, pixels.shape[1::-1], borderMode=cv2.BORDER_REFLECT)
    return banded(np.clip(seen * (1 - 2 * at), 0, 255).astype(np.uint8), at, 0.0)


def against(show: Callable[[Pixels, float], Pixels], gap_s: float = 1 / FPS) -> float:
    one, other = (Frame(show(scene(), at), at, 0) for at in (0.0, gap_s))
    return Bands(lambda _kind: pytest.fail("nothing to load")).look(View(other, FACE, one))()


def test_bands_that_roll_speak_against_the_face() -> None:
    assert against(banded) == BANDS_MOST


def test_noise_a_moving_camera_and_a_lamp_that_flickers_do_not() -> None:
    assert against(moved) == 0
    assert against(lambda pixels, at: banded(pixels, at, 0.0)) == 0


def test_frames_far_apart_say_nothing() -> None:
    assert against(banded, BANDS_WITHIN_S + 0.05) == 0
    check = Bands(lambda _kind: pytest.fail("nothing to load"))
    assert check.look(View(Frame(scene(), 0.0, 0), FACE))() == 0


def test_only_what_all_pieces_of_a_row_share_counts() -> None:
    wave = np.sin(np.linspace(0, 4 * np.pi, SIDE))[:, None].astype(np.float32)
    alike = 0.02 * np.repeat(wave, SIDE, axis=1)
    turned = alike * np.where(np.arange(SIDE) < SIDE / 2, 1, -1).astype(np.float32)
    assert rolling(alike) > BANDS_FULL
    assert rolling(turned) == 0
    assert rolling(alike / 10) < BANDS_COUNT


def test_the_pipeline_compares_each_look_with_the_frame_before(
    stages: Stages, eileen: Portrait
) -> None:
    def said(show: Callable[[Pixels, float], Pixels]) -> list[float]:
        pipeline = Pipeline(stages, Config())
        frames = [Frame(show(eileen.pixels, i / FPS), i / FPS, i) for i in range(2 * FPS)]
        opinions = [each for frame in frames for each in pipeline.step(frame).opinions]
        return [each.against for each in opinions if each.check == "bands"]

    rolled, plain = said(banded), said(lambda pixels, at: banded(pixels, at, 0.0))
    assert rolled[0] == 0  # nothing came before it
    assert min(rolled[1:]) > BANDS_MOST / 2
    assert max(plain) == 0
