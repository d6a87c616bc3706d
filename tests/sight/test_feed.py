"""A camera that freezes, falls silent or comes back, with frames whose times are made up."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
import pytest

from edge.config.seeing import CameraSection
from edge.errors import CameraError
from edge.records import Frame
from edge.sight import feed as feed_module
from edge.sight.feed import FROZEN_S, Feed
from edge.vision import camera as camera_module


class Scripted:
    """Delivers what the test puts into `pictures`: (brightness, seconds since the last)."""

    is_file = False
    pictures: list[tuple[int, float]]
    opened = 0
    clock = 0.0

    def __init__(self, section: CameraSection) -> None:
        del section
        Scripted.opened += 1
        self._frame: Frame | None = None

    def newest(self, after: int, timeout_s: float) -> Frame | None:
        del timeout_s
        if self._frame is not None and self._frame.sequence > after:
            return self._frame
        if not Scripted.pictures:
            raise CameraError("the script is over")
        level, pause = Scripted.pictures.pop(0)
        Scripted.clock += pause
        pixels = np.full((32, 32, 3), level, np.uint8)
        self._frame = Frame(pixels, Scripted.clock, after + 1)
        return self._frame

    def close(self) -> None:
        pass


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[tuple[int, float]]], Feed]:
    monkeypatch.setattr(feed_module, "Camera", Scripted)
    monkeypatch.setattr(feed_module, "RETRY_S", 0.0)

    def start(pictures: list[tuple[int, float]]) -> Feed:
        Scripted.pictures, Scripted.opened = [(0, 0.0), *pictures], 0
        Scripted.clock = time.monotonic()
        return Feed(CameraSection(source="rtsp://me:Secret@10.0.0.2/a"))

    return start


def why(feed: Feed) -> str:
    return feed.lost or ""


def test_a_picture_that_no_longer_changes_is_a_lost_camera(
    play: Callable[[list[tuple[int, float]]], Feed],
) -> None:
    feed = play([(20, 0.1), (20, FROZEN_S), (20, 0.2)])
    assert feed.next(0) is not None
    assert feed.next(0) is not None
    assert feed.next(0) is not None  # not long enough yet
    assert why(feed) == ""
    assert feed.next(0) is None
    assert "no longer changes" in why(feed)
    assert "Secret" not in why(feed)


def test_it_is_back_with_a_new_picture_and_not_before(
    play: Callable[[list[tuple[int, float]]], Feed],
) -> None:
    feed = play([(20, 0.1), (20, FROZEN_S + 0.1), (20, 0.1), (20, 0.1), (30, 0.1)])
    given = [feed.next(0) is not None for _ in range(4)]
    assert given == [True, True, False, False]  # first, changed, frozen, opened again
    assert feed.next(0) is None  # the same picture still
    assert why(feed)
    while Scripted.pictures:
        last = feed.next(0)
    assert last is not None
    assert why(feed) == ""
    assert Scripted.opened > 1


def test_a_library_that_never_answers_holds_nothing_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """As picamera2's `capture_array` may wait for ever."""
    over = threading.Event()

    class Hanging:
        fps, paced = 30.0, True

        def read(self) -> None:
            over.wait()

        def close(self) -> None:
            pass

    monkeypatch.setattr(camera_module, "open_source", lambda _section: Hanging())
    monkeypatch.setattr(camera_module, "_JOIN_TIMEOUT_S", 0.05)
    monkeypatch.setattr(feed_module, "FIRST_FRAME_S", 0.05)
    feed = Feed(CameraSection(source="picamera2"))
    try:
        while not why(feed):
            assert feed.next(0.01) is None
        assert "delivers no picture" in why(feed)
        feed.close()  # and this returns
    finally:
        over.set()
