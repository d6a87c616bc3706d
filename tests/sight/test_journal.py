"""Sight's record: it stands, or nothing is granted; and a way back is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge.config import Config, parse
from edge.errors import LedgerError
from edge.records import EventKind, Reason
from edge.sight import journal as module
from edge.sight.journal import Journal
from edge.sight.sealed_ledger import accept_ledger, open_ledger, restore_ledger
from edge.vault.vault import open_vault


@pytest.fixture
def config(tmp_path: Path) -> Config:
    made = parse({"paths": {"state": str(tmp_path / "state"), "run": str(tmp_path)}}, "test")
    open_vault(made).close()
    return made


def write(config: Config, count: int) -> None:
    with open_ledger(config) as ledger:
        journal = Journal(ledger, "door1")
        for _ in range(count):
            assert journal.note(EventKind.ACCESS, Reason.NO_MATCH, states={"lockout": "{}"})


def test_a_ledger_that_goes_from_under_sight_grants_nothing_more(config: Config) -> None:
    with open_ledger(config) as ledger:
        journal = Journal(ledger, "door1")
        assert journal.note(EventKind.ACCESS, Reason.GRANTED)
        config.ledger_db.unlink()
        journal.retry()
        assert not journal.ready
        assert not journal.note(EventKind.ACCESS, Reason.GRANTED)
    assert not config.ledger_db.exists(), "nothing begins a new chain silently"


def test_a_failed_ledger_is_ready_again_only_once_something_was_written(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.0)
    with open_ledger(config) as ledger:
        journal = Journal(ledger, "door1")
        pages = ledger._store.query("PRAGMA page_count")[0][0]
        ledger._store.query(f"PRAGMA max_page_count = {pages}")
        while journal.note(EventKind.ACCESS, Reason.NO_MATCH, detail={"text": "x" * 500}):
            pass
        for _ in range(3):
            journal.retry()
            assert not journal.ready
        ledger._store.query("PRAGMA max_page_count = 100000")
        journal.retry()
        assert journal.ready
        assert ledger.events(limit=1, newest_first=True)[0].event.reason is Reason.LEDGER_BACK


def test_a_backup_is_restored_and_the_chain_goes_on(config: Config, tmp_path: Path) -> None:
    write(config, 3)
    backup = tmp_path / "backup.db"
    with open_ledger(config, read_only=True) as ledger:
        ledger.backup(backup)
    write(config, 2)
    kept = restore_ledger(config, backup)
    assert kept.exists()
    write(config, 1)
    with open_ledger(config) as ledger:
        assert ledger.written() == 4
        assert ledger.sealed()["lockout"] == "{}"
        assert ledger.verify() == []


def test_a_changed_backup_is_not_restored(config: Config, tmp_path: Path) -> None:
    write(config, 3)
    backup = tmp_path / "backup.db"
    with open_ledger(config, read_only=True) as ledger:
        ledger.backup(backup)
    content = backup.read_bytes()
    backup.write_bytes(content.replace(b"no_match", b"granted!"))
    with pytest.raises(LedgerError, match="is not restored: Entry 1 was changed"):
        restore_ledger(config, backup)
    with open_ledger(config) as ledger:
        assert ledger.verify() == []


def test_a_lost_ledger_is_begun_anew_only_on_purpose(config: Config) -> None:
    write(config, 3)
    config.ledger_db.unlink()
    with pytest.raises(LedgerError, match="edge-door ledger accept"):
        open_ledger(config)
    accept_ledger(config)
    write(config, 1)
    with open_ledger(config) as ledger:
        assert ledger.written() == 1
        assert ledger.verify() == []
