"""The demo's own judgement can fail, and the demo passes it."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from edge.cli import app
from edge.config import Config
from edge.errors import UsageError
from edge.ops.demo.show import Announcer, judge, run_door, write_config
from edge.ops.supervisor import Supervisor
from edge.records import Event, EventKind, Reason, StoredEvent
from edge.vault.vault import open_vault

CONFIG = Config()
ROOT = "facelock/door1"


def stored(number: int, reason: Reason) -> StoredEvent:
    event = Event(EventKind.ACCESS, reason, 0.0, 0.0, wall_trusted=False, device="door1")
    return StoredEvent(number, "boot", event, "")


GOOD = [
    stored(n, r) for n, r in enumerate((Reason.NO_MATCH, Reason.NOT_LIVE, Reason.GRANTED), start=1)
]
TOLD = [(f"{ROOT}/event", json.dumps({"seq": n}).encode()) for n in (1, 2, 3)]
PULSES = [CONFIG.door.pulse_s]


def test_all_as_it_should_be() -> None:
    result = judge(GOOD, PULSES, TOLD, CONFIG)
    assert result.ok
    assert result.granted == 1
    assert result.denied == {"no_match": 1, "not_live": 1}


def test_whatever_is_missing_fails() -> None:
    twice = [*GOOD, replace(GOOD[2], sequence=4)]
    for events, pulses, told in (
        (GOOD[:2], PULSES, TOLD),
        (GOOD[1:], PULSES, TOLD),
        (GOOD, [], TOLD),
        (GOOD, [CONFIG.door.pulse_s + 0.5], TOLD),
        (GOOD, PULSES * 2, TOLD),
        (GOOD, PULSES, TOLD[:2]),
        (twice, PULSES, TOLD),
    ):
        result = judge(events, pulses, told, CONFIG)
        assert not result.ok
        assert result.problems


def test_ctrl_c_ends_the_demo_and_not_its_programs_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, path = write_config(tmp_path, "film.avi", 1883)
    open_vault(config).close()
    monkeypatch.setattr(Supervisor, "run", lambda *_, **__: True)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background has none
    with pytest.raises(KeyboardInterrupt):
        run_door(config, path, 1.0, Announcer((), print))


def _demonstrated(picture: Path) -> tuple[int, dict[str, Any], str]:
    """Again where a busy machine saw the person too rarely to judge a blink, at most twice."""
    for _ in range(3):
        done = subprocess.run(
            [sys.executable, "-m", "edge", "demo", "--json", "--picture", str(picture)],
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
        result: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
        if result["granted"]:
            break
    return done.returncode, result, done.stderr


def test_the_demo_ends_with_one_json_object_and_draws(tmp_path: Path) -> None:
    picture = tmp_path / "demo.png"
    code, result, said = _demonstrated(picture)
    assert result["ok"], (result, said)
    assert code == 0
    assert result["granted"] == 1
    assert {"no_match", "not_live"} <= set(result["denied"])
    assert len(result["pulses_s"]) == 1
    assert result["mqtt_received"] > 0
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_machine_that_is_a_sealed_door_shows_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EDGE_DOOR_OWNER", str(tmp_path / "owner.pub"))
    for name in ("owner.pub", "sealed.toml"):
        (tmp_path / name).write_text("")
    told = CliRunner().invoke(app, ["demo", "--json"])
    assert isinstance(told.exception, UsageError)
    assert "sealed it" in str(told.exception)
