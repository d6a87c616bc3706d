"""The whole door under every attack that software can make: it stays shut and says why, once."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import pytest

from edge.access.doubts import A_DAY, Doubts
from edge.access.lockout import DEVICE
from edge.clock import now
from edge.evaluate import attacks
from edge.ops.demo.animate import Appearance, Stage
from edge.ops.demo.film import FPS, SIZE
from edge.records import EventKind, Reason
from edge.sight.journal import Journal
from edge.sight.sealed_ledger import open_ledger
from tests.support.running import Door
from tests.support.waiting import until

if TYPE_CHECKING:
    from edge.evaluate.attacks import Attack, Presentation, Sitter
    from edge.ops.demo.animate import Portrait
    from edge.records import Event

SEED = 5
AFTERWARDS_S = 3.0
"""The attack goes on so long after it was denied: more than its whole film."""
PICTURES = ("prints", "alternations", "stills")
CHALLENGED = (*attacks.FAMILIES["flaps"], *attacks.FAMILIES["screens"])
"""Films of a blink, which a blink alone does not stop."""
REASONS = {"frozen": Reason.STALE_FRAME}
"""What the door says of pictures, where it is not that no life was seen."""
OFTEN = {"print_waved", "alternation_timed"}
"""Run every time; the others only take longer."""


def made(attack: Attack, sitter: Sitter) -> Presentation:
    return next(attacks.presentations([attack], [sitter], range(1), SEED))


def attacked(
    folder: Path, enrolled: Path, attack: Presentation, level: str
) -> tuple[Door, list[Event]]:
    """Show a film, again and again, to a door that knows whose pictures it is made of and has
    little patience; what it says of that."""
    film = folder / "film"
    film.mkdir()
    for number, pixels in enumerate(attack.frames):
        cv2.imwrite(str(film / f"{number:03}.png"), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    # Of a challenge that failed, no busy machine denies more for not having drawn the next one.
    waits_s = 60.0 if level == "challenge" else 2.0
    patience = {"level": level, "timeout_s": waits_s, "challenge_s": 4.0}
    camera = {"loop": True, "fps": attack.fps}
    if attack.species in REASONS:
        camera["stale_after_s"] = 1.0  # before the patience ends
    door = Door(folder, film, camera=camera, liveness=patience, access={"pause_s": 120})
    door.hold(enrolled)
    with door:
        door.wait_for(Reason.STARTED)
        deadline = time.monotonic() + 120
        while not said(door) and time.monotonic() < deadline:
            time.sleep(0.1)
        time.sleep(AFTERWARDS_S)
    return door, said(door)


def said(door: Door) -> list[Event]:
    return [event for event in door.events() if event.kind is EventKind.ACCESS]


@pytest.mark.parametrize(
    "attack",
    [
        pytest.param(a, id=a.__name__, marks=[] if a.__name__ in OFTEN else pytest.mark.slow)
        for name in PICTURES
        for a in attacks.FAMILIES[name]
    ],
)
def test_pictures_are_not_alive(
    tmp_path: Path, enrolled: Path, sitter: Sitter, attack: Attack
) -> None:
    door, events = attacked(tmp_path, enrolled, made(attack, sitter), "blink")
    expected = REASONS.get(attack.__name__, Reason.NOT_LIVE)
    assert [event.reason for event in events] == [expected], door.log()
    assert door.pulses() == []


def test_a_picture_that_is_taken_away_in_time_has_failed(
    tmp_path: Path, enrolled: Path, eileen: Portrait
) -> None:
    stage, film = Stage(SIZE, FPS, 190, seed=3), tmp_path / "film"
    film.mkdir()
    pictures = [*stage.play(eileen, Appearance(2.5, ())), *stage.empty(3.0)]
    for number, pixels in enumerate(pictures):
        cv2.imwrite(str(film / f"{number:03}.jpg"), cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
    patience = {"timeout_s": 3.0, "level": "blink"}
    door = Door(tmp_path, film, camera={"loop": True, "fps": FPS}, liveness=patience)
    door.hold(enrolled)
    with door:
        door.wait_for(Reason.NOT_LIVE)
    (event, *_) = said(door)
    assert (event.person, event.detail["broken_off"]) == ("Eileen", True)
    with open_ledger(door.config, read_only=True) as ledger:
        sealed = ledger.sealed()
    assert json.loads(sealed["lockout"])[DEVICE]["failures"] >= 1
    assert 0.5 <= json.loads(sealed["doubts"])["Eileen"]["tries"] <= A_DAY


@pytest.mark.slow  # as long as the film of a visit; what it adds up is tests/access/test_doubts.py
def test_whose_face_was_shown_too_often_is_not_let_in_for_a_blink(
    tmp_path: Path, enrolled: Path, visitor: tuple[Path, Path]
) -> None:
    door = Door(tmp_path, visitor[0], camera={"loop": True}, door={"buzzer_pin": 5})
    door.hold(enrolled)
    doubts, moment = Doubts(), now()
    for _ in range(round(2 * A_DAY)):
        doubts = doubts.after("Eileen", 1.0, moment)
    with open_ledger(door.config) as ledger:
        journal = Journal(ledger, door.config.device.id)
        states = {"doubts": doubts.to_json()}
        journal.note(EventKind.SYSTEM, Reason.TRIED_OFTEN, person="Eileen", states=states)
    with door, open_ledger(door.config, read_only=True) as ledger:
        until(lambda: bool(ledger.states().get("instruction")), 120)
    assert Reason.GRANTED not in door.reasons()
    assert door.pulses() == []


@pytest.mark.slow
@pytest.mark.parametrize("attack", CHALLENGED, ids=lambda attack: attack.__name__)
def test_films_do_not_answer_a_challenge(
    tmp_path: Path, enrolled: Path, sitter: Sitter, attack: Attack
) -> None:
    door, events = attacked(tmp_path, enrolled, made(attack, sitter), "challenge")
    assert [event.reason for event in events] == [Reason.LIVENESS_FAILED], door.log()
    assert door.pulses() == []


def test_a_genuine_film_does_not_answer_a_challenge(
    tmp_path: Path, enrolled: Path, sitter: Sitter
) -> None:
    film = attacks.Presentation("replay", sitter.film_fps, iter(sitter.film))
    door, events = attacked(tmp_path, enrolled, film, "challenge")
    assert [event.reason for event in events] == [Reason.LIVENESS_FAILED], door.log()
    assert door.pulses() == []
