"""Who speaks to the guard, and what is said when they end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from edge.door.peer import NamedPeer, SightPeer
from edge.wire.channel import Channel, Listener
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
