"""A command that somebody has recorded, a backup of before it, and a clock that is set back."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from edge import clock
from edge.access.command import sign_command
from edge.errors import CommandError
from edge.moment import Moment
from edge.sight import changes
from edge.sight.journal import Journal
from edge.sight.orders import Orders
from edge.sight.sealed_ledger import open_ledger, restore_ledger
from edge.vault.vault import open_vault
from edge.vocabulary import Action
from tests.faults import scenarios


class Clock:
    """What the door's clock shows: whoever answers for its time server sets it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead_s = 0.0
        for module in ("orders", "journal"):
            monkeypatch.setattr(f"edge.sight.{module}.now", self.now)

    def now(self) -> Moment:
        return replace(clock.now(), wall=time.time() + self.ahead_s, wall_trusted=True)


def test_a_restored_ledger_follows_no_recorded_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = Clock(monkeypatch)
    folder = tmp_path / "state"
    folder.mkdir()
    scenarios.prepare(folder)
    config, backup = scenarios.config_in(folder), tmp_path / "backup.db"
    with open_ledger(config) as ledger:
        ledger.backup(backup)
    shown.ahead_s = 100.0
    recorded = sign_command(
        scenarios.OPERATOR,
        scenarios.DEVICE,
        Action.UNLOCK,
        5,
        int(shown.now().wall),
        "0" * 32,
    )
    with open_ledger(config) as ledger:
        orders = Orders(config, Journal(ledger, scenarios.DEVICE))
        assert orders.take(recorded).counter == 5
    shown.ahead_s = 1000.0
    restore_ledger(config, backup)
    with open_ledger(config) as ledger, open_vault(config) as vault:
        changes.accept_backup(ledger, vault, config)
    for shown.ahead_s, why in ((1000.0, "expired"), (100.0, "behind what it showed before")):
        with open_ledger(config) as ledger:
            orders = Orders(config, Journal(ledger, scenarios.DEVICE))
            with pytest.raises(CommandError, match=why):
                orders.take(recorded)
