"""OpenCV is set for a call, and put back: by the names of old and of new versions."""

from __future__ import annotations

import importlib
from types import SimpleNamespace

import cv2
import pytest

from edge.vision import opencv


def test_a_host_process_gets_its_settings_back() -> None:
    before = cv2.getNumThreads()
    with opencv.settled():
        assert cv2.getNumThreads() == 1
    assert cv2.getNumThreads() == before


@pytest.mark.parametrize("place", ["cv2", "cv2.utils.logging"])
def test_the_log_level_is_where_this_version_has_it(
    monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    levels = [5]
    there = SimpleNamespace(getLogLevel=lambda: levels[-1], setLogLevel=levels.append)
    if place == "cv2":
        monkeypatch.delattr(cv2.utils, "logging", raising=False)
        monkeypatch.setattr(cv2, "getLogLevel", there.getLogLevel, raising=False)
        monkeypatch.setattr(cv2, "setLogLevel", there.setLogLevel, raising=False)
    else:
        monkeypatch.setattr(cv2.utils, "logging", there, raising=False)
        monkeypatch.delattr(cv2, "getLogLevel", raising=False)
        monkeypatch.delattr(cv2, "setLogLevel", raising=False)
    reloaded = importlib.reload(opencv)
    with reloaded.settled():
        assert levels[-1] == 2
    assert levels == [5, 2, 5]
    monkeypatch.undo()
    importlib.reload(opencv)
