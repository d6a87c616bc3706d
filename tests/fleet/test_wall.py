"""The third set-up command: everything in one, as people start it."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx2 as httpx
import pytest
from sqlalchemy import select

from edge.cli.fleet.keys import read_key
from edge.config import parse
from edge.errors import UsageError
from edge.fleet.database.database import Database
from edge.fleet.database.tables import commands, devices, events, keys
from edge.fleet.kinds import CommandState
from edge.fleet.show.door import PEOPLE, _StandIn
from edge.fleet.show.wall import START_S, Wall
from edge.fleet.signing import sign_now
from edge.ledger.ledger import Ledger
from edge.records import Reason
from edge.vocabulary import Action
from tests.conftest import ROOT
from tests.support.link_parts import needs_mosquitto
from tests.support.waiting import until


@needs_mosquitto
def test_one_command_shows_a_fleet_and_its_doors_obey() -> None:
    command = [sys.executable, "-m", "edge", "wall", "--doors", "3", "--json", "--for", "120"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            told = json.loads(process.stdout.readline())
            assert told["ok"]
            assert "Log in" in httpx.get(f"{told['address']}/login").text
            database = Database.open(told["database"])
            _obeys(database, Path(told["key"]))
            database.close()
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0


@needs_mosquitto
def test_a_wall_whose_port_is_taken_says_so_at_once(tmp_path: Path) -> None:
    with socket.socket() as taken, Wall(tmp_path, 1, _taken(taken)) as wall:
        begun = time.monotonic()
        with pytest.raises(UsageError, match=r"dashboard ended: .*in use"):
            wall.start()
        assert time.monotonic() - begun < START_S / 2


def test_in_a_lock_down_nobody_is_let_in_and_the_record_says_why(tmp_path: Path) -> None:
    config = parse({"device": {"id": "door1"}, "paths": {"state": str(tmp_path)}}, "test")
    with Ledger.open(config.ledger_db, "door1") as ledger:
        stands_in = _StandIn(config, ledger, ["a key"])
        stands_in._mode = Action.LOCK_DOWN
        for _ in range(40):
            stands_in._somebody_comes()
        found = [stored.event for stored in ledger.events(limit=100)]
    refused = {event.person for event in found if event.reason is Reason.LOCK_DOWN}
    assert refused == set(PEOPLE)
    assert all(event.person is None for event in found if event.reason is Reason.NO_MATCH)
    assert Reason.GRANTED not in {event.reason for event in found}


def _taken(taken: socket.socket) -> int:
    taken.bind(("127.0.0.1", 0))
    taken.listen()
    return int(taken.getsockname()[1])


def _obeys(database: Database, key: Path) -> None:
    with database.reading() as reading:
        assert set(reading.execute(select(events.c.device)).scalars()) == {
            "door1",
            "door2",
            "door3",
        }
        assert reading.execute(select(keys.c.label)).scalar_one() == "on this host"
    text = sign_now(read_key(key), "door1", Action.UNLOCK, "parcel")
    fields, now = json.loads(text), time.time()
    with database.news() as (writing, batch):
        row = {"device": "door1", "action": "unlock", "reason": "parcel", "by": "operator"}
        row |= {"nonce": fields["nonce"], "text": text, "state": CommandState.QUEUED.value}
        writing.execute(commands.insert().values(**row, at=now, expires=now + 60, batch=batch))

    def state() -> str:
        with database.reading() as reading:
            return str(reading.execute(select(commands.c.state)).scalar_one())

    until(lambda: state() == CommandState.DONE.value, 30)
    with database.reading() as reading:
        assert set(reading.execute(select(devices.c.available)).scalars()) == {"online"}
