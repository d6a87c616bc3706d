"""`edge-door ledger`: from a whole record to a lost one and back."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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
    assert (twice.returncode, "exists already" in twice.stderr) == (1, True)
    assert door.command("ledger", "restore", str(backup)).returncode == 0
    assert [event.reason.value for event in door.events()] == ["backup_accepted"]

    door.config.ledger_db.unlink()
    lost = door.command("ledger", "check")
    assert lost.returncode == 1
    refused = door.command("init")
    assert (refused.returncode, "ledger accept" in refused.stderr) == (1, True)
    assert door.command("ledger", "accept").returncode == 0
    assert json.loads(door.command("ledger", "check", "--json").stdout)["ok"]
