"""Sight's socket serves who speaks, however many only listen."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from edge.sight.control import ControlServer
from edge.wire.channel import Channel
from edge.wire.messages import Done, Relock

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
