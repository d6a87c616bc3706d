"""Questions to a running door: watch, status, claim, a second start."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from edge.records import Reason
from tests.support.running import Door
from tests.support.waiting import until

PATIENCE_S = 200.0


def test_a_running_door_answers(tmp_path: Path, visitor: tuple[Path, Path], enrolled: Path) -> None:
    door = Door(tmp_path, visitor[0], camera={"loop": True}, match={"claim": "required"})
    door.hold(enrolled)
    with door:
        door.wait_for(Reason.STARTED)
        packets = _watch(door, 40)
        assert {"at", "faces", "liveness", "hint", "reason", "fps"} <= packets[0].keys()
        assert any("eyes" in packet for packet in packets)
        assert Reason.GRANTED not in door.reasons()  # nobody has claimed to be anybody

        tried = _tried_until_let_in(door, "eileen")
        assert tried["outcome"] == "grant"
        assert tried["person"] == "Eileen"
        assert Reason.GRANTED not in door.reasons()
        assert door.pulses() == []

        _claimed_until_let_in(door, "eileen")
        nobody = door.command("claim", "Grace")
        assert nobody.returncode == 2
        assert "nobody called 'Grace' is enrolled here" in nobody.stderr

        status = json.loads(door.command("status", "--json").stdout)
        assert status["door"] is True
        assert status["people"] == 1
        assert status["metrics"]["decision_ms"] > 0

        second = door.command("sight")
        assert second.returncode == 1
        assert "another edge-door runs here" in second.stderr
        third = door.command("door")
        assert third.returncode == 1
        assert door.pid_of("sight") is not None

        events = json.loads(door.command("events", "--verify", "--json").stdout)
        assert events["problems"] == []
        assert "granted" in [event["reason"] for event in events["events"]]


def _tried_until_let_in(door: Door, claim: str) -> dict[str, object]:
    """Visit after visit: beside busy programs one may be seen too rarely to be judged."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        tried = door.command("try", "--claim", claim, "--json")
        said: dict[str, object] = json.loads(tried.stdout)
        if tried.returncode == 0:
            return said
        assert time.monotonic() < deadline, f"never let in, at last {said}\n{door.log()}"


def _has_written_more(door: Door, than: int) -> bool:
    return len(door.reasons()) > than


def _claimed_until_let_in(door: Door, claim: str) -> None:
    """Claim after claim, for the same reason."""
    deadline = time.monotonic() + PATIENCE_S
    while Reason.GRANTED not in (before := door.reasons()):
        assert time.monotonic() < deadline, f"never let in\n{door.log()}"
        claimed = door.command("claim", claim, "--json")
        assert json.loads(claimed.stdout)["person"] == claim
        until(partial(_has_written_more, door, len(before)))


def _watch(door: Door, count: int) -> list[dict[str, object]]:
    command = [sys.executable, "-m", "edge", "watch", "--json", "--config", str(door.path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        packets = [json.loads(watching.stdout.readline()) for _ in range(count)]
        watching.terminate()
    return packets
