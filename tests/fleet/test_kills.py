"""Exactly once, whatever dies: collectors, the broker and doors are killed at random moments.

A few kills by default; `EDGE_DOOR_KILLS=500` (with `-m slow`) makes it many.
"""

from __future__ import annotations

import os
import random
import time
from pathlib import Path
from typing import Any

import pytest

from edge.fleet.database.database import Database
from edge.ledger.ledger import Ledger
from tests.fleet.parts import chains, raised
from tests.fleet.world import be_collector
from tests.support.forked import CONTEXT
from tests.support.link_parts import Device, Mosquitto, needs_mosquitto
from tests.support.waiting import until

pytestmark = needs_mosquitto
MANY = int(os.environ.get("EDGE_DOOR_KILLS", "500"))


class CollectorProgram:
    """A collector in a process of its own, to be killed."""

    def __init__(self, address: str, port: int, name: str) -> None:
        host = "127.0.0.1"
        broker = {"at": f"mqtt://{host}:{port}", "host": host, "addresses": (host,)}
        self._args: tuple[Any, ...] = (broker, address, {}, name)
        self.start()

    def start(self) -> None:
        self._process = CONTEXT.Process(target=be_collector, args=self._args)
        self._process.start()

    def kill(self) -> None:
        self._process.kill()
        self._process.join()


def play(address: str, folder: Path, kills: int) -> None:
    """Two collectors, one broker, one door: one of them dies at each step, and events go on."""
    dice = random.Random(12)
    broker = Mosquitto(folder).start()
    device = Device(folder, broker.port)
    device.fork()
    collectors = [CollectorProgram(address, broker.port, name) for name in "ab"]
    database = Database.open(address)
    try:
        for _ in range(kills):
            device.append(dice.randint(1, 8))
            time.sleep(dice.random() * 0.5)  # the moment of the kill, not a wait for something
            victim = dice.choice(("broker", "door", *collectors))
            if victim == "broker":
                broker.kill()
                device.append(2)
                broker.start()
            elif victim == "door":
                device.kill()
                device.append(2)
                device.fork()
            elif isinstance(victim, CollectorProgram):
                victim.kill()
                device.append(2)
                victim.start()
        written = device.ledger.written()
        until(lambda: len(chains(database)) == written, 400)
        until(lambda: device.outbox.watermarks().confirmed == written, 200)
        assert chains(database) == of(device.ledger)
        assert "gap" not in raised(database)
        assert "chain_broken" not in raised(database)
    finally:
        for collector in collectors:
            collector.kill()
        database.close()
        device.close()
        broker.kill()


def of(ledger: Ledger) -> list[tuple[int, str]]:
    return [(event.sequence, event.chain) for event in ledger.events(limit=100_000)]


def test_every_event_is_there_once_after_some_kills(address: str, tmp_path: Path) -> None:
    play(address, tmp_path, 8)


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_every_event_is_there_once_after_many_kills(address: str, tmp_path: Path) -> None:
    play(address, tmp_path, MANY // 2)
