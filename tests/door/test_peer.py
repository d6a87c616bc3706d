"""Who speaks to the guard, and what is said when they end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.door.peer import KEPT_EVENTS, NamedPeer, SightPeer
from edge.vocabulary import Reason
from edge.wire.channel import Channel, Listener
from edge.wire.messages import Happened
from tests.support.waiting import until


@pytest.mark.parametrize("supervised", [False, True])
def test_that_sight_ended_is_said_once_by_whoever_tells_of_it(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], supervised: bool
) -> None:
    """The supervisor tells how its programs ended; nobody else would tell of one of systemd's."""
    read_end, write_end = os.pipe()
    os.write(write_end, f"{os.getpid()}\n".encode())
    with Listener(tmp_path / "door.sock") as listener:
        peer = SightPeer(listener, os.getuid(), NamedPeer(read_end) if supervised else None)
        with Channel.connect(tmp_path / "door.sock"):
            until(peer.accept)
        until(lambda: not peer.messages() and peer.sources() == [listener])
    os.close(read_end)
    os.close(write_end)
    assert ("sight is gone: the peer hung up" in capfd.readouterr().err) is not supervised


def test_a_sight_that_comes_back_is_told_of_more_than_its_queue_holds(tmp_path: Path) -> None:
    """In order, and before anything else, at its own pace: the guard's loop waits for nobody."""
    with Listener(tmp_path / "door.sock") as listener:
        peer = SightPeer(listener, os.getuid())
        for _ in range(KEPT_EVENTS):
            peer.report(Happened(Reason.REX, 0.0))
        with Channel.connect(tmp_path / "door.sock") as sight:
            until(peer.accept)
            heard: list[int] = []
            turns = 0
            while not peer.catch_up():
                turns += 1
                heard += numbers(sight)
            heard += numbers(sight)
        peer.close()
    assert heard == list(range(1, KEPT_EVENTS + 1))
    assert turns > 1


def numbers(sight: Channel) -> list[int]:
    """Of the events that have come."""
    came = iter(lambda: sight.receive(0), None)
    return [event.number for event in came if isinstance(event, Happened)]
