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


def written(shim: Path, folder: Path, how: str) -> dict[str, Any]:
    """Events into a ledger in `folder`, and what they cost."""
    ended = subprocess.run(
        [sys.executable, "-m", "tests.faults.week", str(folder), str(EVENTS), how],
        env={**os.environ, "LD_PRELOAD": str(shim)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr[-2000:]
    figures: dict[str, Any] = json.loads(ended.stdout)
    return figures


@pytest.fixture(scope="module")
def week(shim: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    folder = tmp_path_factory.mktemp("week")
    return folder, written(shim, folder, "visits")


def test_an_event_costs_the_card_less_than_6_kb(week: tuple[Path, dict[str, Any]]) -> None:
    _cheap(week[1], "visits")


@pytest.mark.parametrize("how", ["alone", "full"])
def test_so_does_one_alone_and_one_for_which_another_is_forgotten(
    shim: Path, tmp_path: Path, how: str
) -> None:
    _cheap(written(shim, tmp_path, how), how)


def _cheap(figures: dict[str, Any], how: str) -> None:
    assert figures["events"] >= EVENTS
    assert figures["problems"] == []
    assert figures["unwritten"] == 0
    assert figures["block bytes"] < BLOCK_BYTES, figures
    assert figures["bytes"] < figures["block bytes"], "else nothing was counted"
    numbers = {name: figures[name] for name in ("events", "visits", "bytes", "block bytes")}
    measured(
        f"a week offline: bytes written for an event ({how})",
        numbers,
        f"LD_PRELOAD=/tmp/shim.so python -m tests.faults.week FOLDER {EVENTS} {how}",
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
