"""Side by side: everybody sees the same frames, in turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.config import Config
from edge.errors import UsageError
from edge.evaluate import peers
from edge.evaluate.bench import WARM_UP
from edge.evaluate.peers import beside, contenders

if TYPE_CHECKING:
    from edge.evaluate.peers import Contender
    from edge.records import Frame, Pixels


@dataclass
class Noting:
    """A contender that notes what it saw, and works so hard."""

    name: str
    log: list[tuple[str, int]]
    work: int
    does: str = "nothing"

    def look(self, frame: Frame) -> bool:
        self.log.append((self.name, frame.sequence))
        return bool(np.ones(self.work).sum() >= 0) and self.name == "a"


def test_all_see_every_frame_in_turn(
    pictures: list[Pixels], monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[tuple[str, int]] = []
    field: list[Contender] = [Noting("a", log, 10), Noting("b", log, 3_000_000)]
    monkeypatch.setattr(peers, "contenders", lambda *_: field)
    monkeypatch.setattr(peers, "portraits", lambda: pictures)
    taken = beside(Config(), None, steps=8, onnx=None)
    assert log == [(name, number + 1) for number in range(8 + WARM_UP) for name in "ab"]
    assert [one.name for one in taken] == ["b", "a"]
    assert [one.found for one in taken] == [0.0, 1.0]


def test_without_anybody_it_says_where_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> None:
        raise ImportError

    for name in ("EveryStage", "WhatIsDue"):
        monkeypatch.setattr(peers, name, lambda *_: None)
    for name in ("Dlib", "FaceMesh"):
        monkeypatch.setattr(peers, name, missing)
    with pytest.raises(UsageError, match=r"\[demo,peers\]"):
        contenders(Config(), None)
