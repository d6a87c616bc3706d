"""What a frame costs outside the kernels, in calls, which are the same on every machine."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.cost.baseline import MORE, baseline
from tests.cost.frames import FPS, face, nobody, pipeline

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import FrameType

    from edge.records import Frame
    from edge.vision.pipeline import Pipeline


def calls_a_frame(door: Pipeline, frames: Iterable[Frame]) -> float:
    """Functions that Python calls, its own and others'; what these call in turn is not seen."""
    shown, calls = list(frames), 0

    def count(_frame: FrameType, event: str, _what: object) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    warm_up = 3 * FPS  # so that the course of the eyelids has its length, or the detector rests
    for frame in shown[:warm_up]:
        door.step(frame)
    sys.setprofile(count)
    try:
        for frame in shown[warm_up:]:
            door.step(frame)
    finally:
        sys.setprofile(None)
    return calls / len(shown[warm_up:])


@pytest.mark.usefixtures("pictures")
def test_no_more_calls_a_frame_than_before() -> None:
    known = baseline()["calls_a_frame"]
    found = {
        "face": calls_a_frame(pipeline(), face(5 * FPS)),
        "nobody": calls_a_frame(pipeline(), nobody(5 * FPS)),
    }
    assert all(found[name] <= MORE * known[name] for name in known), f"{found}, before {known}"
