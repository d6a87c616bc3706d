"""What `edge-door try` says of whoever stands there, whatever sight shows."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from edge.ops.viewer import changes
from edge.records import Outcome, Reason
from edge.sight.control import ControlServer
from edge.wire.messages import Done, Seen
from edge.words import meaning
from tests.support.seen import LET_IN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.running import Door

STILL_THERE = replace(LET_IN, outcome=Outcome.WAIT)
STRANGER = replace(LET_IN, outcome=Outcome.DENY, reason=Reason.NO_MATCH)


@pytest.fixture
def shown(door: Door) -> Iterator[list[Seen]]:
    """A sight that shows whatever stands in this list."""
    door.config.sight_socket.parent.mkdir(parents=True, exist_ok=True)
    server = ControlServer(door.config.sight_socket, lambda _request, _who: Done())
    frames: list[Seen] = []
    over = threading.Event()

    def serve() -> None:
        while not over.wait(0.02):
            server.serve()
            for seen in frames:
                server.show(seen)

    thread = threading.Thread(target=serve)
    thread.start()
    yield frames
    over.set()
    thread.join()
    server.close()


@pytest.mark.parametrize(
    ("seen", "code", "sentence"),
    [
        (LET_IN, 0, "Anna would be let in."),
        (STILL_THERE, 1, "Anna was let in already; step out of view and come again."),
        (STRANGER, 1, f"Whoever stood there would not be let in: {meaning(Reason.NO_MATCH)}."),
    ],
)
def test_the_verdict_does_not_contradict_itself(
    door: Door, shown: list[Seen], seen: Seen, code: int, sentence: str
) -> None:
    shown.append(seen)
    said = door.command("try")
    assert (said.returncode, said.stdout.strip()) == (code, sentence)


def test_a_sight_that_shows_nothing_is_a_failure(door: Door, shown: list[Seen]) -> None:
    assert not shown
    said = door.command("try", "--seconds", "1")
    assert said.returncode == 1
    assert "is its camera delivering? `edge-door status` tells" in said.stderr


def test_who_was_let_in_already_is_told_so_to_machines_too(door: Door, shown: list[Seen]) -> None:
    shown.append(STILL_THERE)
    said = json.loads(door.command("try", "--json").stdout)
    assert (said["ok"], said["let_in_already"]) == (False, True)
    shown[:] = [LET_IN]
    said = json.loads(door.command("try", "--json").stdout)
    assert (said["ok"], said["let_in_already"]) == (True, False)


def test_no_match_does_not_speak_of_somebody_expected_where_nobody_is() -> None:
    """With claim = "anyone" nobody is expected, and the sentence is one for all."""
    assert "expected" not in meaning(Reason.NO_MATCH)


def test_watch_says_why_who_was_let_in_waits() -> None:
    assert [*changes([STILL_THERE])] == [
        "Waiting: let in already; step out of view and come again (welcome), similarity 0.710"
    ]
