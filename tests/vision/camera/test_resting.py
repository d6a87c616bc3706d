"""While nobody is there a camera lets pictures pass: to decode them is most of the work."""

from __future__ import annotations

import sys
import threading
from contextlib import closing
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edge.config.seeing import CameraSection
from edge.errors import CameraError
from edge.vision.attention import PAUSE_S
from edge.vision.camera import Camera
from edge.vision.camera.sources import open_source

if TYPE_CHECKING:
    from pathlib import Path

    from edge.records import Pixels
    from edge.vision.camera.sources import Source

PICTURES = 25


class Paced:
    """So many pictures a second, by a clock of its own; notes which were read and which passed."""

    paced = True

    def __init__(self, fps: float) -> None:
        self.fps, self.now, self.log = fps, 0.0, ""
        self.may_begin = threading.Event()

    def read(self) -> Pixels | None:
        self.may_begin.wait()
        self.now += 1 / self.fps
        self.log += "r"
        return np.zeros((4, 4, 3), np.uint8) if len(self.log) <= PICTURES else None

    def skip(self) -> bool:
        self.now += 1 / self.fps
        self.log += "-"
        return len(self.log) <= PICTURES

    def close(self) -> None: ...


@pytest.mark.parametrize(
    ("fps", "pause_s", "every"),
    [
        (30, PAUSE_S, "r--r--r--r--"),
        (20, PAUSE_S, "r-r-r-r-r-r-"),
        (15, PAUSE_S, "r-r-r-r-r-r-"),
        (10, PAUSE_S, "rrrrrrrrrrrr"),
        (30, 0.0, "rrrrrrrrrrrr"),
    ],
)
def test_no_picture_is_read_that_comes_too_soon(
    monkeypatch: pytest.MonkeyPatch, fps: float, pause_s: float, every: str
) -> None:
    source = Paced(fps)
    monkeypatch.setattr("edge.vision.camera.open_source", lambda _: source)
    monkeypatch.setattr("edge.vision.camera.time", SimpleNamespace(monotonic=lambda: source.now))
    with Camera(CameraSection(source="0")) as camera:
        camera.rest(pause_s)
        source.may_begin.set()
        with pytest.raises(CameraError, match="ended after"):
            camera.newest(PICTURES, 30.0)
        last = camera.newest(0, 0.0)
    assert every in source.log
    assert last is not None
    # Pictures that passed are counted: two are consecutive only if they came so.
    assert last.sequence == source.log.rindex("r", 0, PICTURES) + 1


def film(folder: Path) -> str:
    path = folder / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 30, (64, 48))
    for level in (0, 100, 200):
        writer.write(np.full((48, 64, 3), level, np.uint8))
    writer.release()
    return str(path)


def pictures(folder: Path) -> str:
    for level in (0, 100, 200):
        cv2.imwrite(str(folder / f"{level:03}.png"), np.full((48, 64, 3), level, np.uint8))
    return str(folder)


@pytest.mark.parametrize("made", [film, pictures])
def test_the_picture_after_one_that_passed(tmp_path: Path, made: object) -> None:
    assert callable(made)
    with closing(open_source(CameraSection(source=made(tmp_path)))) as source:
        second_alone(source)


def second_alone(source: Source) -> None:
    """Of three pictures of 0, 100 and 200 read the second only."""
    assert source.skip()
    picture = source.read()
    assert picture is not None
    assert picture.mean() == pytest.approx(100, abs=4)
    assert source.skip()
    assert not source.skip()
    assert source.read() is None


class Picamera2:
    """As far as it is used: three pictures, then it was stopped."""

    def __init__(self) -> None:
        self._levels = iter((0, 100, 200))

    def create_video_configuration(self, **_: object) -> None: ...

    def configure(self, _: object) -> None: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def close(self) -> None: ...

    def capture_array(self, _: str) -> Pixels:
        return np.full((48, 64, 3), self.capture_metadata()["level"], np.uint8)

    def capture_metadata(self) -> dict[str, int]:
        for level in self._levels:
            return {"level": level}
        raise RuntimeError("the camera was stopped")


def test_a_raspberry_camera_copies_none_that_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("picamera2")
    vars(module)["Picamera2"] = Picamera2
    monkeypatch.setitem(sys.modules, "picamera2", module)
    with closing(open_source(CameraSection(source="picamera2"))) as source:
        second_alone(source)
