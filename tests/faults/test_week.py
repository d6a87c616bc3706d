"""A week without a network: nothing is lost, and what each event costs the card."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from edge.ledger.ledger import Ledger
from edge.link.process import run
from tests.conftest import ROOT
from tests.faults.reporting import REPORT, measured
from tests.faults.scenarios import config_in
from tests.support.link_parts import Mosquitto, Reader, needs_mosquitto
from tests.support.waiting import until

EVENTS = 10_000 if REPORT else 600
BLOCK_BYTES = 6000
pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def week(shim: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("week")
    ended = subprocess.run(
        [sys.executable, "-m", "tests.faults.week", str(folder), str(EVENTS)],
        env={**os.environ, "LD_PRELOAD": str(shim)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr[-2000:]
    return folder, json.loads(ended.stdout)


def test_an_event_costs_the_card_less_than_6_kb(week: tuple[Path, dict[str, Any]]) -> None:
    _, figures = week
    assert figures["events"] >= EVENTS
    assert figures["problems"] == []
    assert figures["unwritten"] == 0
    assert figures["block bytes"] < BLOCK_BYTES, figures
    assert figures["bytes"] < figures["block bytes"], "else nothing was counted"
    numbers = {name: figures[name] for name in ("events", "visits", "bytes", "block bytes")}
    measured(
        "a week offline: bytes written for an event",
        numbers,
        f"LD_PRELOAD=/tmp/shim.so python -m tests.faults.week FOLDER {EVENTS}",
    )


@needs_mosquitto
def test_when_the_broker_is_back_every_event_of_the_week_arrives(
    week: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder, figures = week
    broker = Mosquitto(tmp_path, "max_queued_messages 0").start()
    reader = Reader(broker.port)
    stop = threading.Event()
    link = threading.Thread(target=run, args=(config_in(folder, broker.port), stop))
    link.start()
    try:
        until(lambda: len(reader.stored) == figures["events"], 600)
    finally:
        stop.set()
        link.join()
        reader.close()
        broker.kill()
    with Ledger.open(config_in(folder).ledger_db, "door1", read_only=True) as ledger:
        chains = {stored.sequence: stored.chain for stored in ledger.events(limit=1_000_000)}
    assert reader.stored == chains
