"""A second camera: its pictures come with the first one's, and a face that it misses is doubted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest

from edge.config import parse
from edge.records import Face, Frame
from edge.vision import camera as camera_module
from edge.vision.camera import Camera
from edge.vision.liveness.limits import UNSEEN
from edge.vision.liveness.second import SecondCamera
from edge.vision.liveness.views import View, around
from edge.vision.stages import Stages
from tests.support.waiting import PATIENCE_S, until

if TYPE_CHECKING:
    from pathlib import Path

    from edge.config import Config
    from edge.ops.demo.animate import Portrait
    from edge.records import Pixels


def folder(path: Path, pixels: Pixels) -> Path:
    path.mkdir()
    for number in range(60):
        cv2.imwrite(str(path / f"{number:02}.png"), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    return path


def configured(first: Path, second: Path | None) -> Config:
    camera: dict[str, Any] = {"source": str(first), "fps": 20, "loop": True}
    return parse({"camera": camera | ({"second": str(second)} if second else {})}, "test")


def taken(config: Config) -> Frame:
    """The first frame with a picture of the second camera, or the fifth one."""
    with Camera(config.camera) as camera:
        frame = camera.newest(0, 10.0)
        for _ in range(4):
            assert frame is not None
            if frame.beside is not None:
                break
            frame = camera.newest(frame.sequence, 10.0)
    assert frame is not None
    return frame


def said(config: Config, frame: Frame, face: Face) -> float:
    checks = [check for check in Stages.load(config).checks if isinstance(check, SecondCamera)]
    (check,) = checks
    return check.look(View(frame, face))()


@pytest.mark.parametrize("seen", [True, False])
def test_a_face_that_the_second_camera_does_not_see_is_doubted(
    tmp_path: Path, stages: Stages, eileen: Portrait, *, seen: bool
) -> None:
    dark = np.full_like(eileen.pixels, 12)  # a screen in infrared
    first = folder(tmp_path / "visible", eileen.pixels)
    second = folder(tmp_path / "infrared", eileen.pixels if seen else dark)
    config = configured(first, second)
    frame = taken(config)
    assert frame.beside is not None
    assert frame.beside.shape == eileen.pixels.shape
    (face,) = stages.detector.detect(frame)
    assert said(config, frame, face) == (0.0 if seen else UNSEEN)


@pytest.mark.parametrize(("scale", "against"), [(0.6, 0.0), (0.37, UNSEEN)])
def test_who_stands_behind_a_screen_does_not_lend_it_a_face(
    stages: Stages, eileen: Portrait, tmp_path: Path, scale: float, against: float
) -> None:
    """A small face beside the dark screen was enough, which the first camera takes for nobody's."""
    (there,) = stages.detector.detect(Frame(eileen.pixels, 0.0, 0))
    near = around(eileen.pixels, there.box, 2.0, 400)
    small = cv2.resize(near, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    beside = np.full_like(near, 12)
    beside[: len(small), -len(small) :] = small
    config = configured(tmp_path, tmp_path / "infrared")
    frame = Frame(near, 0.0, 0, beside=beside)
    (face,) = stages.detector.detect(frame)
    assert said(config, frame, face) == against
    assert stages.detector.detect(Frame(beside, 0.0, 0))  # there is one


def test_a_second_camera_that_is_away_speaks_against_the_face(
    tmp_path: Path, stages: Stages, eileen: Portrait
) -> None:
    config = configured(folder(tmp_path / "visible", eileen.pixels), tmp_path / "x")
    frame = Frame(eileen.pixels, 0.0, 0)
    (face,) = stages.detector.detect(frame)
    assert said(config, frame, face) == UNSEEN


def test_a_second_camera_that_comes_later_is_taken_up_and_nobody_waits_for_it(
    tmp_path: Path, eileen: Portrait, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(camera_module, "_RETRY_S", 0.05)
    config = configured(folder(tmp_path / "visible", eileen.pixels), tmp_path / "infrared")
    with Camera(config.camera) as camera:
        first = camera.newest(0, PATIENCE_S)
        assert first is not None
        assert first.beside is None
        folder(tmp_path / "later", eileen.pixels).rename(tmp_path / "infrared")
        seen = first

        def is_paired() -> bool:
            nonlocal seen
            seen = camera.newest(seen.sequence, PATIENCE_S) or seen
            return seen.beside is not None

        until(is_paired)


def test_a_door_with_one_camera_has_one_picture(tmp_path: Path, eileen: Portrait) -> None:
    config = configured(folder(tmp_path / "visible", eileen.pixels), None)
    assert taken(config).beside is None
    assert not any(isinstance(check, SecondCamera) for check in Stages.load(config).checks)
