"""`edge-door ledger`: from a whole record to a lost one and back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edge.sight.changes import RESTORED
from edge.sight.sealed_ledger import open_ledger
from tests.support.running import Door


@pytest.fixture
def door(tmp_path: Path) -> Door:
    made = Door(tmp_path, "/dev/video99")
    assert made.command("init").returncode == 0
    return made


def test_check_backup_lose_and_restore(door: Door) -> None:
    backup = door.folder / "backup.db"
    assert json.loads(door.command("ledger", "check", "--json").stdout)["ok"]
    assert door.command("ledger", "backup", str(backup)).returncode == 0
    twice = door.command("ledger", "backup", str(backup))
    assert (twice.returncode, "exists already" in twice.stderr) == (2, True)
    restored = json.loads(door.command("ledger", "restore", str(backup), "--json").stdout)
    assert (restored["ok"], restored["asks"]) == (True, False)
    assert [event.reason.value for event in door.events()] == ["backup_accepted"]

    door.config.ledger_db.unlink()
    lost = door.command("ledger", "check")
    assert lost.returncode == 1
    refused = door.command("init")
    assert (refused.returncode, "ledger accept" in refused.stderr) == (1, True)
    assert door.command("ledger", "accept").returncode == 0
    assert json.loads(door.command("ledger", "check", "--json").stdout)["ok"]


def test_a_door_that_was_restored_asks_its_people_office(tmp_path: Path) -> None:
    door = Door(tmp_path, "/dev/video99", people={"keys": ["A" * 43 + "="]})
    assert door.command("init").returncode == 0
    backup = door.folder / "backup.db"
    assert door.command("ledger", "backup", str(backup)).returncode == 0
    restored = door.command("ledger", "restore", str(backup))
    assert "`edge-door office publish`" in restored.stdout
    assert asked(door)
    assert json.loads(door.command("people", "accept-backup", "--json").stdout)["asks"]
    done = door.command("people", "accept-backup", "--without-office", "--json")
    assert (json.loads(done.stdout)["asks"], asked(door)) == (False, "")


def asked(door: Door) -> str:
    with open_ledger(door.config, read_only=True) as ledger:
        return ledger.sealed()[RESTORED]
