"""The mesh follows a face; the detector looks often enough that nobody joins it unseen."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from typing_extensions import override

from edge.config import Config
from edge.records import Box, Face, Frame
from edge.vision.faces.detector import Detector
from edge.vision.faces.follower import SEEN_WITHIN_S, Follower, face_of
from edge.vision.pipeline import Pipeline

if TYPE_CHECKING:
    from edge.records import Landmarks, Pixels
    from edge.vision.stages import Stages


class Watched(Detector):
    """The real detector; it notes when it looks, and from `joined_at` on it sees two faces."""

    def __init__(self, detector: Detector) -> None:
        self._real = detector
        self.joined_at = float("inf")
        self.looked: list[float] = []

    @override
    def detect(self, frame: Frame) -> list[Face]:
        self.looked.append(frame.captured_at)
        faces = self._real.detect(frame)
        if frame.captured_at < self.joined_at:
            return faces
        (face,) = faces
        return [face, face]  # in which the mesh believes as well


@pytest.fixture
def picture(pictures: list[Pixels]) -> Pixels:
    return np.ascontiguousarray(pictures[0][:320, 60:380])


@pytest.fixture
def watched(stages: Stages) -> tuple[Watched, Pipeline]:
    detector = Watched(stages.detector)
    return detector, Pipeline(replace(stages, detector=detector), Config())


def located(stages: Stages, pixels: Pixels) -> tuple[Face, Landmarks]:
    frame = Frame(pixels, 0.0, 1)
    (face,) = stages.detector.detect(frame)
    return face, stages.mesh.locate(frame, face)


def test_a_mesh_states_the_face_as_the_detector_does(stages: Stages, picture: Pixels) -> None:
    detected, landmarks = located(stages, picture)
    stated = face_of(landmarks)
    assert stated.box.iou(detected.box) > 0.85
    apart = np.linalg.norm(stated.keypoints - detected.keypoints[:4], axis=1)
    assert apart.max() < 0.08 * detected.box.width


def test_a_mesh_found_where_the_last_one_was_is_the_same(stages: Stages, picture: Pixels) -> None:
    _, first = located(stages, picture)
    second = stages.mesh.locate(Frame(picture, 0.0, 1), face_of(first))
    drift = np.linalg.norm((second.points - first.points)[:, :2], axis=1)
    assert drift.mean() < 0.01 * np.ptp(first.points[:, 0])


@pytest.mark.parametrize("fps", [8, 12, 15, 24, 30, 60])
def test_a_second_face_is_seen_soon(
    fps: int, watched: tuple[Watched, Pipeline], picture: Pixels
) -> None:
    detector, pipeline = watched
    frames = (Frame(picture, number / fps, number + 1) for number in range(2 * fps))
    for frame in frames:
        pipeline.step(frame)
        if len(detector.looked) == 2:
            break
    detector.joined_at = frame.captured_at + 0.01 / fps  # just after it has looked again
    seen = next(e.captured_at for e in map(pipeline.step, frames) if e.faces == 2)
    assert seen - detector.joined_at <= SEEN_WITHIN_S


def test_the_detector_rests_while_a_face_is_followed(
    watched: tuple[Watched, Pipeline], picture: Pixels
) -> None:
    detector, pipeline = watched
    tracks = {pipeline.step(Frame(picture, n / 30, n + 1)).track for n in range(30)}
    assert tracks == {1}
    assert len(detector.looked) <= 4


def test_a_face_that_goes_is_looked_for_at_once(
    watched: tuple[Watched, Pipeline], picture: Pixels
) -> None:
    detector, pipeline = watched
    pipeline.step(Frame(picture, 0.0, 1))
    assert pipeline.step(Frame(np.zeros_like(picture), 0.033, 2)).faces == 0
    assert pipeline.step(Frame(picture, 0.067, 3)).faces == 1
    assert detector.looked == [0.0, 0.033, 0.067]


def test_another_face_elsewhere_is_not_taken_for_the_one_followed(
    stages: Stages, picture: Pixels
) -> None:
    face, landmarks = located(stages, picture)
    follower = Follower()
    assert follower.expected(0.0) is None
    assert follower.detected(0.0, face) is face
    follower.located(landmarks)
    followed = follower.expected(0.1)
    assert followed is not None
    assert follower.expected(0.25) is None  # another frame like this one would be too late
    assert follower.detected(0.25, face) is followed
    elsewhere = replace(face, box=Box(0.0, 0.0, 20.0, 20.0))
    assert follower.detected(0.4, elsewhere) is elsewhere
