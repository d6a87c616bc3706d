"""How far events have travelled."""

from __future__ import annotations

import multiprocessing
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.config import parse
from edge.errors import LedgerError
from edge.ledger.ledger import Ledger
from edge.ledger.reading import read_ledger
from edge.link.outbox import Fill, Outbox, Watermarks
from edge.records import Event, EventKind, Reason


def event() -> Event:
    return Event(EventKind.ACCESS, Reason.GRANTED, 1.0, 2.0, True, "door1")


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    with Outbox.open(tmp_path / "outbox.db") as opened:
        yield opened


def test_what_is_delivered_and_confirmed_only_rises(outbox: Outbox) -> None:
    outbox.mark_delivered(3)
    outbox.mark_delivered(2)
    outbox.mark_confirmed(2)
    assert outbox.watermarks() == Watermarks(3, 2)
    outbox.mark_confirmed(5)
    outbox.mark_confirmed(1)
    assert outbox.watermarks() == Watermarks(5, 5)


def test_a_warning_comes_before_what_nobody_fetched_is_dropped(
    tmp_path: Path, outbox: Outbox
) -> None:
    with Ledger.open(tmp_path / "ledger.db", "door1", capacity=10) as ledger:

        def warning() -> str:
            return Fill.of(ledger, outbox.watermarks()).warning

        for _ in range(7):
            ledger.append(event())
        assert warning() == ""
        ledger.append(event())
        assert "8 events wait" in warning()
        for _ in range(5):
            ledger.append(event())
        assert "could have them: 3 events" in warning()
        outbox.mark_confirmed(13)
        assert warning() == ""


def mark(path: Path, said: Path) -> None:
    with Outbox.open(path) as outbox, said.open("ab", buffering=0) as done:
        for number in range(outbox.watermarks().delivered + 1, 10**9):
            outbox.mark_delivered(number)
            done.write(b"%d\n" % number)


def test_a_watermark_that_was_written_survives_sigkill(tmp_path: Path) -> None:
    path, said = tmp_path / "outbox.db", tmp_path / "said"
    moments = random.Random(7)
    for _ in range(5):
        before = said.stat().st_size if said.exists() else 0
        process = multiprocessing.get_context("fork").Process(target=mark, args=(path, said))
        process.start()
        while not said.exists() or said.stat().st_size == before:
            time.sleep(0.001)
        time.sleep(moments.uniform(0, 0.02))
        process.kill()
        process.join()
        with Outbox.open(path) as outbox:
            assert outbox.watermarks().delivered >= int(said.read_text().split()[-1])


@pytest.mark.parametrize("beside", ["", "-wal", "-journal"])
@pytest.mark.parametrize("read_only", [False, True])
def test_a_pipe_in_its_place_keeps_nobody_waiting(
    tmp_path: Path, beside: str, read_only: bool
) -> None:
    path = tmp_path / "outbox.db"
    Outbox.open(path).close()
    planted = tmp_path / f"outbox.db{beside}"
    planted.unlink(missing_ok=True)
    os.mkfifo(planted)
    with pytest.raises(LedgerError, match="no ordinary file"):
        Outbox.open(path, read_only=read_only)


def test_how_full_it_is_goes_by_what_this_device_keeps(tmp_path: Path) -> None:
    paths = {"state": str(tmp_path / "state"), "run": str(tmp_path / "run")}
    config = parse({"paths": paths, "ledger": {"keep_events": 5000}}, "test")
    Ledger.open(config.ledger_db, config.device.id).close()
    with read_ledger(config) as ledger:
        assert Fill.of(ledger, Watermarks(0, 0)).capacity == 5000
