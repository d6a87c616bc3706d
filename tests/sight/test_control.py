"""Sight's socket serves who speaks, however many only listen."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from edge.sight.control import ControlServer
from edge.wire.channel import Channel, Peer
from edge.wire.messages import Done, Failed, LendCamera, Message, Rehearse, Relock, Watch

IDLE = 40


@pytest.fixture
def place() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="s") as folder:  # socket paths are short
        yield Path(folder) / "sock"


def test_idle_clients_do_not_keep_the_command_line_out(place: Path) -> None:
    server = ControlServer(place, lambda _request, _who: Done("locked"))
    with ExitStack() as idle:
        for _ in range(IDLE):
            idle.enter_context(Channel.connect(place))
            server.serve()
        with Channel.connect(place) as client:
            server.serve()
            client.send(Relock())
            server.serve()
            assert client.receive(1.0) == Done("locked")
    server.close()


@pytest.mark.parametrize("asked", [Watch(), LendCamera(60.0), Rehearse(60.0)])
def test_whoever_may_ask_may_neither_watch_nor_keep_the_door_from_looking(
    place: Path, asked: Message
) -> None:
    """Link's user may lock and ask; what shows who stands there, and how near, is not for it."""
    heard: list[Message] = []

    def answer(request: Message, _who: Peer) -> Done:
        heard.append(request)
        return Done()

    server = ControlServer(place, answer)
    refused = server._reply(asked, Peer(pid=1, uid=os.geteuid() + 4711))
    assert isinstance(refused, Failed)
    assert heard == []
    for uid in (0, os.geteuid()):
        assert server._reply(asked, Peer(pid=1, uid=uid)) == Done()
    server.close()


def test_a_watcher_who_may_not_is_shown_nothing(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = ControlServer(place, lambda _request, _who: Done())
    somebody = Peer(pid=1, uid=os.geteuid() + 4711)
    monkeypatch.setattr(Channel, "peer", property(lambda _: somebody))
    with Channel.connect(place) as client:
        server.serve()
        client.send(Watch())
        server.serve()
        assert isinstance(client.receive(1.0), Failed)
        assert not server.watched
    server.close()
