"""What may become a template: no face that is covered, blurred, dark or upside down."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from edge.config import Config
from edge.evaluate.degrade import DEGRADATIONS
from edge.ops.demo.animate import Portrait
from edge.records import Frame, Hint
from edge.vision.enrolment import capture
from edge.vision.faces.landmarks import LEFT_EYE, RIGHT_EYE
from edge.vision.faces.quality import _brightness_of_eyes
from edge.vision.pipeline import Pipeline
from edge.vision.stages import Stages

BAD = {
    "blur": None,
    "motion": Hint.HOLD_STILL,
    "mask": Hint.UNCOVER_FACE,
    "sunglasses": Hint.UNCOVER_FACE,
    "back light": None,
    "mask and sunglasses": None,
    "motion and back light": None,
    "sunglasses and blur": None,
}


@pytest.fixture(scope="module")
def pipeline(stages: Stages) -> Pipeline:
    return Pipeline(stages, Config())


def test_a_good_face_is_taken(stages: Stages, pipeline: Pipeline, eileen: Portrait) -> None:
    taken = capture(Frame(eileen.pixels, 0.0, 1), pipeline, stages)
    assert taken.embedding is not None
    assert taken.hint is Hint.NONE


@pytest.mark.parametrize("name", BAD)
def test_a_bad_one_is_not(name: str, stages: Stages, pipeline: Pipeline, eileen: Portrait) -> None:
    worse = DEGRADATIONS[name](eileen.pixels, eileen.landmarks)
    taken = capture(Frame(worse, 0.0, 1), pipeline, stages)
    assert taken.embedding is None
    if BAD[name] is not None:
        assert taken.hint in (BAD[name], Hint.MOVE_TO_CENTRE)


def test_dark_eyes_that_lie_deep_are_not_glasses(
    stages: Stages, pipeline: Pipeline, eileen: Portrait
) -> None:
    points = eileen.landmarks.points[:, :2]
    shade = np.zeros(eileen.pixels.shape[:2], np.float32)
    for eye in (RIGHT_EYE, LEFT_EYE):
        corners = points[list(eye)]
        x, y = corners.mean(axis=0)
        radius = round(float(np.ptp(corners[:, 0])))
        cv2.circle(shade, (round(float(x)), round(float(y))), radius, 1, -1)
    shade = cv2.GaussianBlur(shade, (0, 0), float(np.ptp(points[:, 0])) / 20)
    dark = (eileen.pixels * (1 - 0.68 * shade[..., np.newaxis])).astype(np.uint8)
    frame = Frame(dark, 0.0, 1)
    look = pipeline.look(frame, stages.detector.detect(frame)[0])
    grey = cv2.cvtColor(look.aligned.pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    assert 0.3 < _brightness_of_eyes(grey) < 0.45
    assert capture(frame, pipeline, stages).hint is Hint.NONE


def test_an_upside_down_camera_is_said(
    stages: Stages, pipeline: Pipeline, eileen: Portrait
) -> None:
    turned = np.ascontiguousarray(eileen.pixels[::-1, ::-1])
    taken = capture(Frame(turned, 0.0, 1), pipeline, stages)
    assert taken.embedding is None
    assert taken.hint in (Hint.UPSIDE_DOWN, Hint.MOVE_TO_CENTRE)


def test_a_small_face_is_judged_but_makes_no_template(
    stages: Stages, pipeline: Pipeline, eileen: Portrait
) -> None:
    face = stages.detector.detect(Frame(eileen.pixels, 0.0, 1))[0]
    size = round(eileen.pixels.shape[0] * 60 / face.box.width)
    small = np.zeros_like(eileen.pixels)
    small[:size, :size] = cv2.resize(eileen.pixels, (size, size), interpolation=cv2.INTER_AREA)
    frame = Frame(small, 0.0, 1)
    look = pipeline.look(frame, stages.detector.detect(frame)[0])
    assert 48 <= look.quality.face_px < 80
    assert look.quality.ok
    assert capture(frame, pipeline, stages).hint is Hint.COME_CLOSER
