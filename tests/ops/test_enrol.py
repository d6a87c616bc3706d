"""Enrolment at a door: beside people from the centre, and of who looks filmed."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from edge.config import Config
from edge.errors import EnrolmentError, UsageError
from edge.ops import enrol
from edge.ops.enrol import Consent, save
from edge.records import Embedding, Evidence, Frame, Hint, Liveness, LivenessState, Template
from edge.vision.enrolment import Capture
from tests.support.centre import MODEL, Door, Office, vectors_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("consent", [Consent(), Consent(replace=True)])
def test_who_comes_from_the_office_is_changed_there(tmp_path: Path, consent: Consent) -> None:
    """--replace, which once was advised, would not have helped."""
    office = Office.at(tmp_path / "office")
    door = Door.at(tmp_path, "door1", office.keys.public)
    office.trust(door, "staff")
    office.add("Anna", "staff")
    office.publish("door1")
    door.fetch(office.broker)
    with pytest.raises(UsageError, match="Anna is known here from the people office"):
        save(door.config, Template("Anna", vectors_of("Another"), MODEL), consent)
    door.close()
    office.book.close()


def test_who_is_asked_for_a_challenge_is_told_what_it_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who looks filmed was told to blink, for a minute."""
    challenged = Liveness(LivenessState.PENDING, 0, "challenged", instruction="look up")
    frame = Frame(np.zeros((8, 8, 3), np.uint8), 1.0, 1)
    given: dict[str, bool] = {}

    class Doubts:
        def __init__(self, _stages: object, _config: Config, *, asks: bool = False) -> None:
            given["asks"] = asks

        def step(self, frame: Frame) -> Evidence:
            return Evidence(frame.captured_at, frame.sequence, 1, liveness=challenged)

    camera = SimpleNamespace(newest=lambda *_, **_named: frame)
    monkeypatch.setattr(enrol, "Pipeline", Doubts)
    monkeypatch.setattr(enrol, "CAMERA_TIMEOUT_S", 0.05)
    monkeypatch.setattr(enrol, "borrowed_camera", lambda _config: nullcontext(camera))
    told: list[str] = []
    stages: Any = None
    with pytest.raises(EnrolmentError, match=r"no sign of life .* \(last: challenged\)"):
        enrol.collect_from_camera(Config(), stages, lambda *said: told.append(said[-1]))
    assert given == {"asks": True}
    assert set(told) == {"look up"}


def test_who_takes_the_place_of_who_blinked_has_to_show_life_as_well(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A picture of somebody else, held up after a blink, was enrolled under the name given."""
    blinker, other = (Embedding(row, MODEL) for row in np.eye(2, 4, dtype=np.float32))
    frame = Frame(np.zeros((8, 8, 3), np.uint8), 1.0, 1)
    faces = iter([blinker])

    class BlinksOnce:
        def __init__(self, *_: object, **_named: object) -> None:
            self.alive = LivenessState.LIVE

        def step(self, frame: Frame) -> Evidence:
            shown = Liveness(self.alive, seen="blinked")
            proof = (blinker,) if self.alive is LivenessState.LIVE else ()
            return Evidence(frame.captured_at, frame.sequence, 1, liveness=shown, proof=proof)

        def ask_again(self) -> None:
            self.alive = LivenessState.PENDING

    camera = SimpleNamespace(newest=lambda *_, **_named: frame)
    monkeypatch.setattr(enrol, "Pipeline", BlinksOnce)
    monkeypatch.setattr(enrol, "CAMERA_TIMEOUT_S", 0.05)
    monkeypatch.setattr(enrol, "borrowed_camera", lambda _config: nullcontext(camera))
    monkeypatch.setattr(enrol, "capture", lambda *_: Capture(next(faces, other), Hint.NONE))
    stages: Any = None
    found = enrol.collect_from_camera(Config(), stages, lambda *_: None)
    assert found.embeddings == [blinker]
