"""A real Home Assistant finds a real door over a real broker, and follows it through a day.

Needs mosquitto, and the Python of an environment with Home Assistant in $EDGE_DOOR_HOME_ASSISTANT:
python3.13 -m venv ha && ha/bin/pip install homeassistant==2025.4.4 paho-mqtt==2.1.0
"""

from __future__ import annotations

import json
import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.records import Reason
from tests.conftest import ROOT
from tests.support.link_parts import MOSQUITTO, Mosquitto
from tests.support.running import Door

PYTHON = os.environ.get("EDGE_DOOR_HOME_ASSISTANT")
HELPER = ROOT / "tests/support/home_assistant.py"
CONTACT = 22
PATIENCE_S = 180.0

pytestmark = [
    pytest.mark.skipif(PYTHON is None, reason="EDGE_DOOR_HOME_ASSISTANT is not set"),
    pytest.mark.skipif(MOSQUITTO is None, reason="mosquitto is missing"),
    pytest.mark.timeout(900),
]


class Home:
    """Home Assistant, running; every state that it ever told, by entity."""

    def __init__(self, folder: Path, port: int) -> None:
        self.told: dict[str, list[dict[str, Any]]] = {}
        self._log = (folder / "home.log").open("wb")
        self._process = subprocess.Popen(
            [str(PYTHON), str(HELPER), str(folder / "home"), str(port)],
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self._thread = threading.Thread(target=self._hear)
        self._thread.start()

    def _hear(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("{"):
                state = json.loads(line)
                self.told.setdefault(state["entity"], []).append(state)

    def states(self, entity: str) -> list[str]:
        return [state["state"] for state in self.told.get(entity, [])]

    def until(self, done: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not done():
            now = {name: states[-1]["state"] for name, states in self.told.items()}
            assert time.monotonic() < deadline, f"no {what}; there is {now}"
            time.sleep(0.2)

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(60)
        self._thread.join()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._log.close()


def _shown(seen: Home, entity: str) -> bool:
    """Whether an image came: its state is when."""
    return any(state not in ("unknown", "unavailable") for state in seen.states(entity))


@pytest.fixture
def home(tmp_path: Path) -> Iterator[tuple[Home, int]]:
    broker = Mosquitto(tmp_path).start()
    running = Home(tmp_path, broker.port)
    yield running, broker.port
    running.close()
    broker.kill()


def test_a_visit_a_forced_door_and_a_lost_camera(
    tmp_path: Path, home: tuple[Home, int], visitor: tuple[Path, Path], enrolled: Path
) -> None:
    seen, port = home
    film, _ = visitor
    place = tmp_path / "film.avi"
    place.write_bytes(film.read_bytes())
    (tmp_path / "door").mkdir()
    tables: dict[str, dict[str, Any]] = {
        "device": {"name": "Front door"},
        "camera": {"loop": True},
        "access": {"cooldown_s": 0.5},  # every visit of the film counts
        "mqtt": {"host": "127.0.0.1", "port": port, "last_face": True},
        "door": {"open_grace_s": 0.0},
        "door.contact": {"pin": CONTACT},
    }
    door = Door(tmp_path / "door", place, **tables)
    door.hold(enrolled)
    door.board.set_input(CONTACT, high=False)  # closed
    with door:
        # A visit.
        seen.until(lambda: "off" in seen.states("binary_sensor.front_door"), "locked door")
        seen.until(lambda: "on" in seen.states("binary_sensor.front_door"), "unlocked door")
        seen.until(lambda: "Eileen" in seen.states("sensor.front_door_last_person"), "person")
        seen.until(lambda: "granted" in seen.states("sensor.front_door_last_reason"), "reason")
        seen.until(lambda: _shown(seen, "image.front_door_last_attempt"), "face of the attempt")
        kinds = [state["of"].get("event_type") for state in seen.told["event.front_door_access"]]
        assert set(kinds) <= {None, "granted", "denied", "spoof", "duress"}
        assert "granted" in kinds
        # Forced.
        door.wait_for(Reason.LOCKED)
        place.write_bytes(b"")  # nobody is let in any more, and the camera is lost
        seen.until(lambda: "on" in seen.states("binary_sensor.front_door_camera"), "lost camera")
        bolt = "binary_sensor.front_door"
        seen.until(lambda: seen.states(bolt)[-1] == "off", "door that is locked again")
        door.board.set_input(CONTACT, high=True)
        seen.until(
            lambda: "on" in seen.states("binary_sensor.front_door_forced_open"), "forced door"
        )
        assert "on" in seen.states("binary_sensor.front_door_door")
        # Only what is fitted, and nothing that cannot work.
        assert not [name for name in seen.told if name.startswith("lock.") or "tamper" in name]
        assert seen.states("button.front_door_lock_now")
        assert seen.states("sensor.front_door_firmware")[-1] not in ("unknown", "unavailable")
    seen.until(
        lambda: seen.states("binary_sensor.front_door")[-1] == "unavailable", "door that is gone"
    )
