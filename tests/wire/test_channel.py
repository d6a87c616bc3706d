"""The sockets between the programs."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from edge.errors import UsageError, WireError
from edge.wire.channel import Channel, Listener
from edge.wire.messages import Failed, Watch


def test_a_listener_whose_queue_is_full_keeps_its_place(tmp_path: Path) -> None:
    place = tmp_path / "sight.sock"
    with Listener(place) as listener:
        waiting = []
        try:
            while True:
                client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                waiting.append(client)
                client.setblocking(False)
                client.connect(str(place))
        except BlockingIOError:
            pass
        with pytest.raises(WireError, match="another edge-door runs here"):
            Listener(place)
        first = listener.accept()
        assert first is not None
        first.close()
        for client in waiting:
            client.close()


def test_what_a_listener_left_behind_is_replaced(tmp_path: Path) -> None:
    place = tmp_path / "sight.sock"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as left:
        left.bind(str(place))
    with Listener(place), Channel.connect(place) as client:
        assert client.peer.pid == os.getpid()


def test_whoever_is_refused_hears_why() -> None:
    """And does not wait for what will not come."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with Channel(ends[0]) as ours, Channel(ends[1]) as sight:
        sight.send(Failed("only root may ask for that: use sudo"))
        with pytest.raises(UsageError, match="use sudo"):
            ours.ask(Watch())
