"""`status` and `doctor` ask the broker itself, and say what it says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from edge.config import Config, parse
from edge.errors import BrokerError
from edge.link import knock as knock_module
from edge.ops.doctor import system
from edge.ops.standing import Standing, standing
from edge.records import Event, EventKind, Reason, StoredEvent
from edge.wire.messages import Status
from tests.support.running import Door


def configured(folder: Path) -> Config:
    paths = {"state": str(folder / "state"), "run": str(folder / "run")}
    return parse({"paths": paths, "mqtt": {"host": "127.0.0.1", "username": "door1"}}, "test")


def test_what_the_broker_says_is_what_doctor_and_status_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(config: Config) -> str:
        del config
        raise BrokerError("the broker at 127.0.0.1:1883 refuses these credentials (135).")

    for module in (knock_module, system):
        monkeypatch.setattr(module, "knock", refuse)
    config = configured(tmp_path)
    check = system.broker(config)
    assert check.level == "fail"
    assert "refuses these credentials" in check.sentence
    found = standing(config)
    assert not found.ok
    assert "refuses these credentials" in found.sentences()["broker"]


def test_status_is_in_words() -> None:
    event = Event(EventKind.ACCESS, Reason.NO_MATCH, 1.0, 1.7e9, wall_trusted=True, device="d")
    last = StoredEvent(7, "boot", event, "00")
    sight = Status(door=True, camera="ok", people=2, metrics={"fps": 15.0, "decision_ms": 41.0})
    found = Standing(
        sight=sight,
        silence="",
        broker="broker:1883 lets us in",
        broker_ok=True,
        waiting=3,
        last=last,
        hidden=False,
    )
    words = found.sentences()
    assert found.ok
    assert words["camera"] == "delivers pictures"
    assert words["relay guard"] == "answers"
    assert words["events"] == "3 wait for the broker"
    assert words["last event"].endswith("the face matches nobody it was compared with")
    assert found.as_json()["people"] == 2
    watched = replace(found, sight=replace(sight, metrics={"face_stays": 1.0}))
    assert watched.sentences()["view"].startswith("a face stays in view: a picture")
    lost = replace(found, sight=replace(sight, camera="gone"))
    assert not lost.ok
    assert lost.sentences()["camera"] == "gone"


def test_a_camera_that_is_not_there_is_a_problem_everywhere(tmp_path: Path) -> None:
    door = Door(tmp_path, "/dev/video99")
    door.command("init")
    with door:
        door.wait_for(Reason.CAMERA_LOST)
        told = door.command("status", "--json")
        assert told.returncode == 1
        assert "no camera, film or folder" in json.loads(told.stdout)["camera"]
        checks = json.loads(door.command("doctor", "--json").stdout)["checks"]
        assert {c["name"]: c["level"] for c in checks}["camera"] == "fail"
        assert door.pid_of("sight") is not None  # it waits for the camera to come


def test_events_by_person_kind_and_time_and_as_they_come(tmp_path: Path) -> None:
    door = Door(tmp_path, "/dev/video99")
    door.command("init")
    with door:
        door.wait_for(Reason.CAMERA_LOST)
    listed = door.command("events", "--kind", "people", "--json")
    assert json.loads(listed.stdout)["events"] == []
    for since, many in (("1h", True), ("2100-01-01", False)):
        done = door.command("events", "--since", since, "--kind", "system", "--json")
        assert bool(json.loads(done.stdout)["events"]) is many
    whole = door.command("events", "--verify")
    assert "The record is whole" in whole.stdout
    assert door.command("events", "--since", "yesterdayish").returncode == 2
    command = [sys.executable, "-m", "edge", "events", "-f", "--json", "--config", str(door.path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as following:
        assert following.stdout is not None
        assert json.loads(following.stdout.readline())["events"]
        following.send_signal(signal.SIGINT)
        rest, said = following.communicate(timeout=60)
    assert (following.returncode, rest, said) == (130, "", "")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_who_lacks_rights_is_told_to_use_sudo(tmp_path: Path) -> None:
    door = Door(tmp_path, "/dev/video99")
    door.command("init")
    door.config.paths.state.chmod(0o000)
    try:
        done = door.command("people", "list")
    finally:
        door.config.paths.state.chmod(0o700)
    assert done.returncode == 1
    assert "Use sudo" in done.stderr
