"""Mosquitto killed at any moment, again and again: nothing is lost, nothing counts twice."""

from __future__ import annotations

import os
import random
import time
from functools import partial
from pathlib import Path

import pytest

from edge.backoff import Backoff
from tests.faults.reporting import REPORT, SEED, report
from tests.support.link_parts import Device, Mosquitto, Reader, needs_mosquitto
from tests.support.waiting import until

KILLS = int(os.environ.get("EDGE_DOOR_KILLS", "500" if REPORT else "8"))
pytestmark = [needs_mosquitto, pytest.mark.timeout(120 + 4 * KILLS)]


def delivered_after(door: Device, number: int) -> bool:
    return door.outbox.watermarks().delivered > number


def test_every_event_arrives_once_however_often_the_broker_dies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.link.process.Backoff", lambda: Backoff(0.02, 0.05))
    dice = random.Random(SEED)
    broker = Mosquitto(tmp_path, "log_type none").start()
    reader = Reader(broker.port, confirms=True)
    door = Device(tmp_path, broker.port)
    struck = 0
    try:
        door.start()
        for _ in range(KILLS):
            before = door.outbox.watermarks().delivered
            door.append(dice.randrange(5, 30))
            until(partial(delivered_after, door, before), 30)
            time.sleep(dice.random() * 0.02)
            struck += door.outbox.watermarks().delivered < door.ledger.written()
            broker.kill()
            door.append(dice.randrange(3))
            broker.start()
        written = door.ledger.written()
        # What the broker dropped on its way to the reader goes again after 20 s, then 40, then 80.
        until(lambda: door.outbox.watermarks().confirmed == written, 200)
        chains = {stored.sequence: stored.chain for stored in door.ledger.events(limit=10**6)}
        assert door.ledger.verify() == []
    finally:
        reader.close()
        door.close()
        broker.kill()
    heard = {(body["seq"], body["chain"]) for body in reader.events()}
    wrong = len(heard ^ set(chains.items()))
    report(
        [
            {
                "threat": f"the broker killed while events are on their way, seed {SEED}",
                "injected": KILLS,
                "wrong": wrong,
                "again": f"EDGE_DOOR_KILLS={KILLS} EDGE_DOOR_FAULTS_SEED={SEED} pytest "
                "tests/faults/test_broker_kills.py",
            }
        ]
    )
    assert heard == set(chains.items())
    if REPORT:  # of a few kills none may strike, as fast as the machine is
        assert struck > KILLS // 4, "too few kills while something was on its way"
