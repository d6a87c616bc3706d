"""What a flood of refused lists costs the card."""

from __future__ import annotations

from typing import Any

from edge.roster.report import LIST
from edge.sight.account import Account


class Counting:
    """Stands for the journal: counts what is written."""

    def __init__(self) -> None:
        self.writes = 0

    def note(self, *_: object, **__: object) -> bool:
        self.writes += 1
        return True

    def note_all(self, *_: object) -> bool:
        self.writes += 1
        return True


def test_lists_refused_without_end_are_written_down_now_and_then() -> None:
    journal: Any = Counting()
    reports = iter(range(10**6))
    account = Account(journal, "{}", lambda: str(next(reports)))
    for number in range(2000):
        account.refuse({LIST: f"why {number % 2}"})
    assert 0 < journal.writes <= 150
