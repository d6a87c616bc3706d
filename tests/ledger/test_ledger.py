from __future__ import annotations

import hashlib
import json
import random
import resource
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge import store
from edge.errors import LedgerError
from edge.ledger.chain import decode, encode
from edge.ledger.ledger import Ledger
from edge.link.topics import event_type
from edge.records import Event, EventKind, Reason
from edge.sight.journal import Journal
from tests.support.small_disk import disk

if TYPE_CHECKING:
    from collections.abc import Iterator

DEVICE = "door1"


def event(reason: Reason = Reason.GRANTED, device: str = DEVICE, **detail: str | float) -> Event:
    return Event(EventKind.ACCESS, reason, 12.5, 1.7e9, True, device, "Ann", detail)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def ledger(path: Path) -> Iterator[Ledger]:
    with Ledger.open(path, DEVICE) as opened:
        yield opened


def tamper(path: Path, sql: str, *values: object) -> None:
    db = sqlite3.connect(path)
    with db:
        db.execute(sql, values)
    db.close()


# What was written is there, numbered and chained


def test_an_event_comes_back_as_it_was_written(ledger: Ledger) -> None:
    written = ledger.append(event(similarity=0.61), {"lock": "UNLOCKED"})
    assert ledger.events() == [written]
    assert written.event == event(similarity=0.61)
    assert written.sequence == 1
    assert written.boot == ledger.boot
    assert ledger.states() == {"lock": "UNLOCKED"}
    assert ledger.verify() == []


@given(
    detail=st.dictionaries(
        st.text(), st.text() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()
    ),
    person=st.none() | st.text(),
)
def test_any_event_survives_its_encoding(
    detail: dict[str, str | float | bool], person: str | None
) -> None:
    whole = Event(EventKind.DOOR, Reason.REX, 0.1, 0.2, False, DEVICE, person, detail)
    assert decode(encode(whole)) == whole


class Later(str, Enum):
    """Words that an edge-door of later has."""

    KIND = "weather"
    REASON = "rained_in"


@pytest.mark.parametrize(
    "kind", [EventKind.SYSTEM, EventKind.ACCESS, cast("EventKind", Later.KIND)]
)
def test_what_a_newer_program_wrote_is_gone_on_with_after_an_update_that_was_undone(
    ledger: Ledger, kind: EventKind
) -> None:
    """It was called damaged: sight did not start, and link shipped nothing any more."""
    newer = Event(kind, cast("Reason", Later.REASON), 1.0, 2.0, True, DEVICE, None, {"mm": 3.0})
    ledger.append(event(Reason.UNLOCKED))
    ledger.append(newer)
    assert Journal(ledger, DEVICE).newest_of(Reason.UNLOCKED) is Reason.UNLOCKED
    read = ledger.events(after=1)[0]
    assert read.event.reason is Reason.NEWER
    assert read.event.detail == {"mm": 3.0, "newer": f"{kind.value}/rained_in"}
    assert event_type(read.event) == "system"
    assert json.loads(read.body)["reason"] == "rained_in"
    ledger.append(event(Reason.LOCKED))
    assert ledger.verify() == []


def test_the_chain_can_be_computed_elsewhere(ledger: Ledger) -> None:
    first, second = ledger.append(event()), ledger.append(event(Reason.NO_MATCH))
    chain = hashlib.sha256(b'["edge-door ledger","door1"]').hexdigest()
    for entry in (first, second):
        body = encode(entry.event)
        text = json.dumps([chain, entry.sequence, entry.boot, body], separators=(",", ":"))
        chain = hashlib.sha256(text.encode()).hexdigest()
        assert chain == entry.chain


def test_events_are_paged_in_both_orders(ledger: Ledger) -> None:
    for _ in range(5):
        ledger.append(event())
    assert [e.sequence for e in ledger.events(after=1, limit=3)] == [2, 3, 4]
    assert [e.sequence for e in ledger.events(limit=2, newest_first=True)] == [5, 4]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), b"bytes", object()])
def test_what_is_not_text_number_or_boolean_is_refused(ledger: Ledger, value: object) -> None:
    with pytest.raises(LedgerError, match="granted event cannot be written"):
        ledger.append(event(bad=value))  # type: ignore[arg-type]
    assert ledger.events() == []


def test_an_event_of_another_device_is_refused(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="'door2' in the ledger of 'door1'"):
        ledger.append(event(device="door2"))


def test_a_refused_event_leaves_its_states_unwritten(ledger: Ledger) -> None:
    with pytest.raises(LedgerError):
        ledger.append(event(bad=float("nan")), {"lock": "UNLOCKED"})
    assert ledger.states() == {}


# Whatever is changed shows


def test_every_changed_byte_of_every_entry_is_found(ledger: Ledger, path: Path) -> None:
    for number in range(3):
        ledger.append(event(number=number))
    db = sqlite3.connect(path, isolation_level=None)
    db.text_factory = bytes
    checked = 0
    for column in ("boot", "body", "chain"):
        select = f"SELECT sequence, {column} FROM events WHERE chain != ''"
        update = f"UPDATE events SET {column} = CAST(? AS TEXT) WHERE sequence = ?"
        for sequence, text in db.execute(select).fetchall():
            for index in range(len(text)):
                for bit in (0, 7):  # 7: no longer UTF-8
                    changed = bytearray(text)
                    changed[index] ^= 1 << bit
                    db.execute(update, (bytes(changed), sequence))
                    assert ledger.verify(), (column, sequence, index)
                    checked += 1
            db.execute(update, (text, sequence))
    db.close()
    assert ledger.verify() == []
    assert checked > 1000


def test_every_flipped_byte_of_an_entry_in_the_file_is_found(path: Path) -> None:
    with Ledger.open(path, DEVICE) as ledger:
        ledger.append(event())
        ledger.append(event(mark="here"))
        body = encode(event(mark="here")).encode()
    whole = path.read_bytes()  # closing has moved the log into it
    start = whole.index(body)
    for index in range(start, start + len(body)):
        flipped = bytearray(whole)
        flipped[index] ^= 0xFF
        path.write_bytes(flipped)
        with Ledger.open(path, DEVICE) as ledger:
            assert ledger.verify(), index


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("DELETE FROM events WHERE sequence = 1", "Entry 1 is missing"),
        ("DELETE FROM events WHERE sequence = 3", "Entry 3 is missing"),
        ("DELETE FROM events WHERE sequence = 5", "lost its newest entries"),
        ("DELETE FROM events", "lost its newest entries"),
        ("DELETE FROM head", "lost its head row"),
        ("UPDATE head SET anchor_chain = 'x'", "beginning was changed"),
        ("UPDATE events SET sequence = sequence + 999 WHERE sequence > 3", "Entry 4 is missing"),
        (
            "REPLACE INTO events SELECT 6, boot, body, chain, x'', x'' FROM events LIMIT 1",
            "6 was",
        ),
    ],
)
def test_missing_moved_and_added_entries_are_found(
    ledger: Ledger, path: Path, sql: str, said: str
) -> None:
    for number in range(5):
        ledger.append(event(number=number))
    tamper(path, sql)
    (sentence,) = ledger.verify()
    assert said in sentence


def test_a_damaged_entry_is_named_when_it_is_read(ledger: Ledger, path: Path) -> None:
    ledger.append(event())
    tamper(path, "UPDATE events SET body = 'rubbish'")
    with pytest.raises(LedgerError, match=r"Entry 1 of .*ledger.db is damaged"):
        ledger.events()


# Bounded


def test_the_newest_are_kept_and_the_chain_stands_on_the_cut(path: Path) -> None:
    with Ledger.open(path, DEVICE, capacity=10) as ledger:
        for number in range(25):
            ledger.append(event(number=number))
        assert [e.sequence for e in ledger.events()] == list(range(16, 26))
        assert ledger.verify() == []
        tamper(path, "DELETE FROM events WHERE sequence = 16")
        assert "Entry 16 is missing" in ledger.verify()[0]


def test_a_smaller_capacity_cuts_what_is_over(path: Path) -> None:
    with Ledger.open(path, DEVICE) as ledger:
        for _ in range(20):
            ledger.append(event())
    with Ledger.open(path, DEVICE, capacity=5) as ledger:
        ledger.append(event())
        assert len(ledger.events()) == 5
        assert ledger.verify() == []


# Several at once


def test_another_connections_commit_is_noticed_once(ledger: Ledger, path: Path) -> None:
    with Ledger.open(path, DEVICE, read_only=True) as reader:
        assert not reader.changed()
        ledger.append(event())
        assert reader.changed()
        assert not reader.changed()
        assert len(reader.events()) == 1
        assert reader.verify() == []
        with pytest.raises(LedgerError, match="read-only"):
            reader.append(event())
    assert not ledger.changed()


def test_another_thread_may_not_use_the_connection(ledger: Ledger) -> None:
    caught: list[Exception] = []

    def use() -> None:
        try:
            ledger.append(event())
        except sqlite3.ProgrammingError as error:
            caught.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert caught
    assert ledger.events() == []


WRITER = """
import sys
from pathlib import Path
from edge.ledger.ledger import Ledger
from edge.link.topics import event_type
from edge.records import Event, EventKind, Reason
from edge.sight.journal import Journal
path, count = Path(sys.argv[1]), int(sys.argv[2])
sys.stdin.readline()
with Ledger.open(path, "door1", capacity=int(sys.argv[3])) as ledger:
    for number in range(count):
        one = Event(EventKind.ACCESS, Reason.GRANTED, 1.0, 2.0, True, "door1", None, {"n": number})
        print(ledger.append(one, {"last": str(number)}).sequence, flush=True)
"""


def start(script: str, path: Path, *args: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", script, str(path), *map(str, args)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def test_processes_that_begin_one_ledger_together_share_it(path: Path) -> None:
    writers = [start(WRITER, path, 20, 1000) for _ in range(4)]
    for writer in writers:
        go(writer)
    numbers: list[int] = []
    for writer in writers:
        said, _ = writer.communicate(timeout=60)
        assert writer.returncode == 0
        numbers += [int(line) for line in said.split()]
    assert sorted(numbers) == list(range(1, 81))
    with Ledger.open(path, DEVICE) as ledger:
        assert ledger.verify() == []


def test_a_new_ledger_may_be_opened_by_several_at_the_same_moment(tmp_path: Path) -> None:
    together = threading.Barrier(3)

    def begin(path: Path) -> None:
        together.wait()
        Ledger.open(path, DEVICE).close()

    with ThreadPoolExecutor(3) as pool:
        for number in range(40):
            list(pool.map(begin, [tmp_path / f"{number}.db"] * 3))


def test_a_journal_that_is_gone_a_moment_later_is_no_strange_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Ledger.open(path, DEVICE).close()
    there = Path.exists
    monkeypatch.setattr(Path, "exists", lambda each: each.name.endswith("-journal") or there(each))
    Ledger.open(path, DEVICE).close()


def kill_at_random(path: Path, rounds: int, seed: int) -> None:
    moments = random.Random(seed)
    acked = 0
    for _ in range(rounds):
        writer = start(WRITER, path, 100_000, 300)
        go(writer)
        assert writer.stdout is not None
        said = writer.stdout.readline()  # it writes now
        time.sleep(moments.uniform(0, 0.05))
        writer.send_signal(signal.SIGKILL)
        rest, _ = writer.communicate()
        acked = max(acked, *(int(line) for line in (said + rest).split("\n")[:-1] if line))
        with Ledger.open(path, DEVICE) as ledger:
            assert ledger.verify() == []
            assert ledger.written() >= acked
            newest = ledger.events(limit=1, newest_first=True)[0]
            assert ledger.states() == {"last": str(int(newest.event.detail["n"]))}


def test_sigkill_of_the_writer_leaves_the_ledger_whole(path: Path) -> None:
    kill_at_random(path, rounds=5, seed=1)


@pytest.mark.slow
def test_two_hundred_sigkills_lose_nothing_acknowledged(path: Path) -> None:
    kill_at_random(path, rounds=200, seed=2)


# What cannot be used gets a sentence


def test_a_ledger_of_another_device_is_refused(path: Path) -> None:
    Ledger.open(path, DEVICE).close()
    with pytest.raises(LedgerError, match="belongs to the device 'door1', and this is 'door2'"):
        Ledger.open(path, "door2")


def test_a_newer_database_is_refused(path: Path) -> None:
    Ledger.open(path, DEVICE).close()
    tamper(path, "PRAGMA user_version = 99")
    with pytest.raises(LedgerError, match="written by a newer edge-door"):
        Ledger.open(path, DEVICE)


def test_another_programs_database_is_refused_and_left_alone(path: Path) -> None:
    tamper(path, "CREATE TABLE theirs (x)")
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="is not edge-door's event ledger"):
        Ledger.open(path, DEVICE)
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.write_text("not a database, " * 100)
    with pytest.raises(LedgerError, match="is not a database"):
        Ledger.open(path, DEVICE)


def test_a_torn_file_is_refused_or_found_by_verify_or_lacks_no_entry(path: Path) -> None:
    with Ledger.open(path, DEVICE) as ledger:
        for _ in range(50):
            ledger.append(event())
    whole = path.read_bytes()
    for size in range(100, len(whole), 997):
        path.write_bytes(whole[:size])
        try:
            with Ledger.open(path, DEVICE, read_only=True) as ledger:
                assert ledger.verify() or len(ledger.events()) == 50
        except LedgerError as error:
            assert "damaged" in str(error) or "not a database" in str(error), error  # noqa: PT017


def test_a_missing_ledger_cannot_be_read(path: Path) -> None:
    with pytest.raises(LedgerError, match="does not exist"):
        Ledger.open(path, DEVICE, read_only=True)
    assert not path.exists()


def test_a_folder_in_its_place_is_refused(path: Path) -> None:
    path.mkdir()
    with pytest.raises(LedgerError, match="is no ordinary file"):
        Ledger.open(path, DEVICE)


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("")
    with pytest.raises(LedgerError, match="cannot be made"):
        Ledger.open(tmp_path / "state" / "ledger.db", DEVICE)


def test_a_ledger_kept_locked_is_reported(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "BUSY_S", 0.05)
    with Ledger.open(path, DEVICE) as ledger:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        waits = []
        for _ in range(2):
            with pytest.raises(LedgerError, match="kept locked by another program"):
                ledger.append(event())
            ledger.sealed()  # a signed command asks who may give it: readers are let in
            waits += ledger._store.query("PRAGMA busy_timeout")
        other.execute("ROLLBACK")
        other.close()
        assert ledger.append(event()).sequence == 1
        waits += ledger._store.query("PRAGMA busy_timeout")
        assert waits == [(100,), (100,), (50,)]  # one that was in vain is not repeated


def fill_until_refused(ledger: Ledger) -> tuple[int, LedgerError]:
    for number in range(1, 10_000):
        try:
            ledger.append(event(text="x" * 500), {"last": str(number)})
        except LedgerError as error:
            return number - 1, error
    raise AssertionError("it never filled")


def test_a_full_database_leaves_nothing_half_written(ledger: Ledger) -> None:
    database = ledger._store
    database.query("PRAGMA max_page_count = 400")
    written, error = fill_until_refused(ledger)
    assert "the disk is full" in str(error)
    assert ledger.verify() == []
    assert ledger.written() == written
    assert ledger.states() == {"last": str(written)}
    database.query("PRAGMA max_page_count = 4000")
    assert ledger.append(event()).sequence == written + 1


def test_a_file_size_limit_leaves_nothing_half_written(ledger: Ledger) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    try:
        written, error = fill_until_refused(ledger)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "disk is full" in str(error)
    assert ledger.verify() == []
    assert ledger.written() == written
    assert ledger.states() == {"last": str(written)}
    assert ledger.append(event()).sequence == written + 1


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with disk(tmp_path / "disk", "300k") as folder:
        yield folder


def test_a_full_disk_leaves_nothing_half_written(small_disk: Path) -> None:
    with Ledger.open(small_disk / "ledger.db", DEVICE) as ledger:
        written, error = fill_until_refused(ledger)
        assert "disk is full" in str(error)
        assert ledger.verify() == []
        assert ledger.written() == written
    with Ledger.open(small_disk / "ledger.db", DEVICE) as ledger:
        assert ledger.verify() == []
        assert ledger.written() == written


def test_a_disk_full_from_the_start_is_reported(small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(b"\0" * 290_000)
    with pytest.raises(LedgerError, match=r"disk is full|cannot be made"):
        Ledger.open(small_disk / "ledger.db", DEVICE)


def test_a_read_only_disk_is_reported_and_can_be_read(small_disk: Path) -> None:
    with Ledger.open(small_disk / "ledger.db", DEVICE) as ledger:
        ledger.append(event())
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(LedgerError, match=r"read-only|cannot be opened"):
        Ledger.open(small_disk / "ledger.db", DEVICE)
