"""How much is kept, and room for denials on a full disk."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from edge.ledger.ledger import ANCHOR_EVERY, Ledger
from edge.ledger.reserve import Reserve
from edge.ledger.seal import Seal
from edge.records import Event, EventKind, Reason
from edge.sight import journal as module
from edge.sight.journal import Journal
from tests.support.small_disk import disk, fill

DAY = 86_400.0


def event(wall: float, *, trusted: bool = True) -> Event:
    return Event(EventKind.ACCESS, Reason.NO_MATCH, 1.0, wall, trusted, "door1", None, {"x": "y"})


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    seal = Seal(bytes(32), tmp_path / "anchor")
    with Ledger.open(tmp_path / "ledger.db", "door1", seal) as opened:
        yield opened


def test_what_is_too_old_is_cut_and_the_chain_stays_whole(ledger: Ledger) -> None:
    ledger.keep_days = 30
    now = 100 * DAY
    for number in range(ANCHOR_EVERY + 1):
        ledger.append(event(now - (60 - number) * DAY))
    assert ledger.events(limit=1)[0].sequence == 35  # the newest is 4 days after `now`
    assert ledger.verify() == []


def test_what_was_written_before_the_clock_was_set_goes_with_what_followed(ledger: Ledger) -> None:
    """Each start of a board without a clock of its own begins so: nothing ever was too old."""
    ledger.keep_days = 30
    now = 100 * DAY
    for number in range(ANCHOR_EVERY):
        day = now - (ANCHOR_EVERY - number) * DAY
        for moment in (event(0.0, trusted=False), event(day), event(day)):
            ledger.append(moment)
    days = [stored.event.wall for stored in ledger.events(limit=1000) if stored.event.wall_trusted]
    # What has come since the last look, at most so many events, may be older.
    assert days[0] >= now - (30 + ANCHOR_EVERY // 3 + 1) * DAY
    assert ledger.verify() == []


def test_an_untrusted_clock_cuts_nothing(ledger: Ledger) -> None:
    ledger.keep_days = 30
    for number in range(2 * ANCHOR_EVERY):
        ledger.append(event(number * DAY, trusted=False))
    assert ledger.events(limit=1)[0].sequence == 1


def test_what_takes_too_many_bytes_is_cut(ledger: Ledger) -> None:
    ledger.keep_bytes = 100_000
    for number in range(20 * ANCHOR_EVERY):
        ledger.append(event(number))
    assert 50 < len(ledger.events(limit=10_000)) < 400
    assert ledger.verify() == []


def test_an_old_entry_that_cannot_be_read_fails_no_new_one(
    ledger: Ledger, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Else a grant that is on the disk counts as not written, and each event is written twice."""
    ledger.keep_days = 30
    for _ in range(2):
        ledger.append(event(0.0))
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as db, db:
        db.execute("UPDATE events SET body = '?' WHERE sequence = 1")
    for number in range(ANCHOR_EVERY):
        assert ledger.append(event(100 * DAY)).sequence == number + 3
    assert "what is too old or too much stays" in caplog.text


def test_a_reserve_is_held_once_and_given_back(tmp_path: Path) -> None:
    reserve = Reserve(tmp_path / "reserve", 50_000)
    assert reserve.hold()
    assert (tmp_path / "reserve").stat().st_blocks * 512 >= 50_000
    assert reserve.release()
    assert not reserve.release()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with disk(tmp_path / "disk", "600k") as folder:
        yield folder


def granted(journal: Journal) -> bool:
    return journal.ready and journal.note(EventKind.ACCESS, Reason.GRANTED)


def test_a_full_disk_still_takes_denials_and_no_grant(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.0)
    seal = Seal(bytes(32), small_disk / "anchor")
    with Ledger.open(small_disk / "ledger.db", "door1", seal) as ledger:
        journal = Journal(ledger, "door1", Reserve(small_disk / "reserve", 200_000))
        filler = fill(small_disk)
        while journal.note(EventKind.ACCESS, Reason.GRANTED):
            pass
        assert not journal.ready
        assert not journal.note(EventKind.ACCESS, Reason.GRANTED)
        for _ in range(20):
            assert journal.note(EventKind.ACCESS, Reason.NO_MATCH), "a denial finds room"
        journal.retry()
        assert not journal.ready, "while there is no room to hold back, nothing is granted"
        filler.unlink()
        journal.retry()
        assert granted(journal)
        assert ledger.verify() == []
