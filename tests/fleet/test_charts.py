"""The figures behind the charts, on both databases."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from edge.fleet.database.tables import SLOT_S, figures
from edge.records import Reason
from tests.fleet.site import Browser, Doors, an_event, furnish

if TYPE_CHECKING:
    import pytest

    from edge.fleet.database.database import Database


def asked(browser: Browser, query: str = "") -> dict[str, Any]:
    answer = browser.get(f"/charts/data{query}")
    assert answer.status_code == 200
    found: dict[str, Any] = answer.json()
    return found


def test_outcomes_are_counted_by_the_hour(database: Database) -> None:
    furnish(database)
    doors, now = Doors(database), time.time()
    doors.happen([an_event("door1", wall=now - 3600 * hours) for hours in (0, 0, 2, 30)])
    doors.happen([an_event("door2", Reason.NO_MATCH, person=None)])
    browser = Browser(database)
    browser.login("viewer")
    everywhere, there = asked(browser)["outcomes"], asked(browser, "?door=door1")["outcomes"]
    assert (sum(everywhere["granted"]), sum(everywhere["denied"])) == (3, 1)
    assert (there["granted"][-1], sum(there["granted"]), sum(there["denied"])) == (2, 3, 0)
    assert sum(asked(browser, "?span=7d")["outcomes"]["granted"]) == 4


def test_of_many_doors_some_moments_are_enough(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    furnish(database)
    last = int(time.time() // SLOT_S)
    rows = [
        {"device": f"door{door}", "slot": last - back, "body": f'{{"fps": {10 * door}}}'}
        for door in (1, 2)
        for back in range(100)
    ]
    with database.writing() as writing:
        writing.execute(insert(figures), rows)
    browser = Browser(database)
    browser.login("viewer")
    whole = asked(browser)["figures"]
    assert len(whole["at"]) == 100
    assert set(whole["fps"]) == {15.0}
    assert set(whole["decision_ms"]) == {None}
    monkeypatch.setattr("edge.fleet.web.pages.charts._MOST_FIGURES", 60)
    some = asked(browser)["figures"]
    assert 5 <= len(some["at"]) <= 30
    assert set(some["fps"]) == {15.0}
