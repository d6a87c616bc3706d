"""Enrolment with the door's own camera while the daemon has it."""

from __future__ import annotations

import json
from pathlib import Path

from edge.records import Reason
from edge.wire.channel import Channel
from edge.wire.messages import AskStatus, LendCamera, Status
from tests.support.running import Door


def status(channel: Channel) -> Status:
    answer = channel.ask(AskStatus())
    assert isinstance(answer, Status)
    return answer


def test_the_daemon_lends_its_camera_and_has_it_back(
    tmp_path: Path, visitor: tuple[Path, Path]
) -> None:
    film, _ = visitor
    door = Door(tmp_path, film, camera={"loop": True})
    door.command("init")
    with door:
        door.wait_for(Reason.STARTED)
        done = door.command("enroll", "Eileen", "--camera", "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["captures"] >= 3
        door.wait_for(Reason.GRANTED)  # it looks again, and knows her
        with Channel.connect(door.config.sight_socket) as channel:
            assert not status(channel).camera_lent
            channel.ask(LendCamera(5.0))
            assert status(channel).camera_lent
            assert status(channel).camera == "ok"
            channel.ask(LendCamera(0.0))
            assert not status(channel).camera_lent
        assert Reason.CAMERA_LOST not in door.reasons()
