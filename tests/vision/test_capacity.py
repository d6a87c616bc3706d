"""How many frames a second can be judged, from what networks take."""

from __future__ import annotations

import pytest

from edge.config import Config
from edge.vision import capacity
from edge.vision.faces.follower import SEEN_WITHIN_S
from edge.vision.faces.shortlist import EMBED_EVERY_S
from edge.vision.liveness.limits import LOOK_EVERY_S
from edge.vision.models.entries import Entry, role_of
from edge.vision.models.model import Model


def each_takes(seconds: float, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    asked: list[str] = []

    def quickest(model: Model[Entry]) -> float:
        asked.append(role_of(type(model.entry)))
        return seconds / capacity.BESIDE

    monkeypatch.setattr(capacity, "_quickest", quickest)
    return asked


def test_what_is_due_now_and_then_leaves_the_rest_for_frames(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = each_takes(0.01, monkeypatch)
    rate = capacity.frames_a_second(Config())
    due = {"detector": SEEN_WITHIN_S, "embedder": EMBED_EVERY_S}
    due |= dict.fromkeys(("recapture", "surroundings", "skin"), LOOK_EVERY_S)
    busy = sum(0.01 / due[role] for role in asked if role in due)
    frame_s = 0.01 * sum(role not in due for role in asked)
    assert asked.count("embedder") == 2
    assert rate == pytest.approx((1 - busy) / frame_s)


def test_a_board_that_has_no_time_for_frames_at_all_judges_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    each_takes(0.2, monkeypatch)
    assert capacity.frames_a_second(Config()) == 0.0


def test_this_machine_judges_some() -> None:
    assert capacity.frames_a_second(Config()) > 0.0
