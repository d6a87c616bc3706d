"""`edge-door audit`: a verdict, and copies for others."""

from __future__ import annotations

import csv
import errno
import json
import os
import sqlite3
from pathlib import Path

import pytest

from edge.cli.record.audit import Form, _sheet
from edge.config import Config, parse
from edge.errors import UsageError
from edge.ledger.chain import chained, genesis
from edge.link.outbox import Outbox
from edge.ops.findings import findings
from edge.records import EventKind, Reason
from edge.sight.journal import Journal
from edge.sight.sealed_ledger import open_ledger
from edge.vault.vault import open_vault
from tests.support.running import Door


@pytest.fixture
def config(tmp_path: Path) -> Config:
    made = parse({"paths": {"state": str(tmp_path / "state"), "run": str(tmp_path)}}, "test")
    open_vault(made).close()
    with open_ledger(made) as ledger:
        journal = Journal(ledger, "door1")
        for person in ("Ann", "=HYPERLINK(1)", "Ann"):
            journal.note(EventKind.ACCESS, Reason.GRANTED, person=person)
    return made


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        (None, None),
        ("UPDATE events SET body = replace(body, 'Ann', 'Bob') WHERE sequence = 1", "Entry 1 was"),
        ("DELETE FROM events WHERE sequence = 2", "Entry 2 is missing"),
        ('UPDATE head SET memory = \'{"lockout":"{}"}\'', "changed by another program"),
        ("UPDATE events SET signature = zeroblob(64) WHERE sequence = 3", "Entry 3 is not signed"),
    ],
)
def test_what_is_wrong_is_named(config: Config, sql: str | None, said: str | None) -> None:
    if sql:
        db = sqlite3.connect(config.ledger_db)
        db.execute(sql)
        db.commit()
        db.close()
    found = findings(config)
    assert [said in sentence for sentence in found] == [True] if said else found == []


def test_a_raised_watermark_is_named(config: Config) -> None:
    with Outbox.open(config.outbox_db) as outbox:
        outbox.mark_delivered(99)
    assert "99 events were delivered" in findings(config)[0]


def test_verify_and_export_as_people_use_them(tmp_path: Path) -> None:
    door = Door(tmp_path, "/dev/video99")
    door.command("init")
    with open_ledger(door.config) as ledger:
        journal = Journal(ledger, "test")
        for person in ("Ann", "=HYPERLINK(1)", "Ann"):
            journal.note(EventKind.ACCESS, Reason.GRANTED, person=person)
        journal.note(EventKind.SYSTEM, Reason.STARTED)
    verified = door.command("audit", "verify")
    assert verified.returncode == 0
    assert "All is well: events 1 to 4" in verified.stdout

    lines = door.command("audit", "export").stdout.splitlines()
    chain = genesis("test")
    for row in map(json.loads, lines):
        chain = chained(chain, row["seq"], row["boot"], row["body"])
        assert chain == row["chain"]
    table = tmp_path / "events.csv"
    args = ("audit", "export", str(table), "--format", "csv", "--kind", "access")
    assert door.command(*args).returncode == 0
    rows = list(csv.DictReader(table.read_text(encoding="utf-8").splitlines()))
    assert [row["person"] for row in rows] == ["Ann", "'=HYPERLINK(1)", "Ann"]
    again = door.command(*args)
    assert (again.returncode, "exists already" in again.stderr) == (2, True)
    of_ann = door.command("audit", "export", "--person", "ann", "--since", "2020-01-01")
    assert len(of_ann.stdout.splitlines()) == 2


def test_the_copy_on_a_full_disk_is_none(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of the evidence looked like all of it, and stood in the way of the next try."""
    copy = tmp_path / "copy.csv"

    def full(*_args: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(csv.DictWriter, "writerow", full)
    before = sorted(tmp_path.iterdir())
    with (
        open_ledger(config, read_only=True) as ledger,
        pytest.raises(UsageError, match="No space left"),
        _sheet(copy, Form.CSV) as write,
    ):
        write(ledger.events()[0])
    assert sorted(tmp_path.iterdir()) == before


def test_a_copy_holds_nothing_that_a_spreadsheet_runs_and_finds_names_as_people_write_them(
    tmp_path: Path,
) -> None:
    door = Door(tmp_path, "/dev/video99")
    door.command("init")
    wide, accent = "\uff1dHYPERLINK(2);=3", "Jos\u00e9"
    with open_ledger(door.config) as ledger:
        for person in (wide, accent):
            Journal(ledger, "test").note(EventKind.ACCESS, Reason.GRANTED, person=person)
    table = door.command("audit", "export", "--format", "csv").stdout
    assert f'"\'{wide}"' in table  # and quoted: `;` parts no columns
    found = door.command("audit", "export", "--person", "JOSE\u0301").stdout
    assert [json.loads(line)["person"] for line in found.splitlines()] == [accent]
    for option in ("--since", "--until"):
        asked = door.command("audit", "export", option, "0001-01-01")
        assert (asked.returncode, asked.stderr) == (
            2,
            "edge-door: 0001-01-01 00:00:00 is beyond this machine's calendar.\n",
        )
