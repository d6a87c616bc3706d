"""What goes wrong at a real door is an alarm on the wall, and is over when its cause is.

The door's programs as they run, over TLS and the shipped access list to a real collector; what a
single message raises is in tests/fleet/test_upkeep.py.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from edge.config import parse
from edge.fleet.pki.certificates import Role, Wanted
from edge.records import Reason
from tests.fleet.broker_parts import place
from tests.fleet.parts import running, standing
from tests.support.link_parts import needs_mosquitto
from tests.support.running import Door
from tests.support.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [needs_mosquitto, pytest.mark.slow, pytest.mark.timeout(900)]
CONTACT, TAMPER, REX = 22, 23, 24
PATIENCE_S = 120.0


def test_each_cause_is_an_alarm_while_it_lasts(
    tmp_path: Path, visitor: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.fleet.collector.process.SETTLE_S", 1.0)
    monkeypatch.setattr("edge.fleet.collector.upkeep.LOOK_EVERY_S", 0.5)
    broker = place(tmp_path).start()
    ending = broker.authority.issue(Wanted(Role.DEVICE, "test", (), 10))
    at = {"host": "127.0.0.1", "port": broker.port}
    film = tmp_path / "film.avi"
    film.write_bytes(visitor[0].read_bytes())
    (tmp_path / "door").mkdir()
    tables: dict[str, dict[str, Any]] = {
        "camera": {"loop": True},
        "mqtt": {**at, **broker.options(ending)},
        "door": {"held_open_s": 1.0},
        "door.contact": {"pin": CONTACT},
        "door.tamper": {"pin": TAMPER},
        "door.rex": {"pin": REX},
    }
    door = Door(tmp_path / "door", film, **tables)
    door.board.set_input(CONTACT, high=False)
    door.board.set_input(TAMPER, high=False)
    door.board.set_input(REX, high=True)
    own = {**at, **broker.options(broker.issue("main", Role.COLLECTOR))}
    with running(f"sqlite:///{tmp_path}/fleet.db", parse({"mqtt": own}, "test").mqtt) as database:

        def wait_for(*kinds: str) -> None:
            """These stand; whether this machine's clock counts as set is not the question."""
            wanted = set(kinds)
            until(
                lambda: {kind for _, kind in standing(database)} - {"clock"} == wanted, PATIENCE_S
            )

        with door:
            door.wait_for(Reason.STARTED)
            wait_for("certificate")  # ten days are few
            door.board.set_input(CONTACT, high=True)
            wait_for("certificate", "forced")
            door.board.set_input(CONTACT, high=False)
            wait_for("certificate")
            door.board.set_input(REX, high=False)
            door.wait_for(Reason.REX)
            door.board.set_input(CONTACT, high=True)
            wait_for("certificate", "held")
            door.board.set_input(REX, high=True)
            door.board.set_input(CONTACT, high=False)
            wait_for("certificate")
            door.board.set_input(TAMPER, high=True)
            wait_for("certificate", "tamper")
            door.board.set_input(TAMPER, high=False)
            wait_for("certificate")
            film.write_bytes(b"")
            wait_for("certificate", "camera_lost")
        wait_for("certificate", "camera_lost", "offline")
    broker.mosquitto.kill()
