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
from edge.vision.pipeline import Pipeline, Stages

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
