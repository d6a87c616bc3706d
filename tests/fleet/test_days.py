"""Days and names as people mean them: a day has 23 to 25 hours, a name one spelling."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Iterator
from datetime import datetime, timezone

import pytest

from edge.fleet.database.database import Database
from tests.fleet.site import Browser, Doors, an_event


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The host's time zone, changed while the dashboard runs."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        yield
    time.tzset()


def at(text: str) -> float:
    """A moment of UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc).timestamp()


PASSES = {
    "the night before": at("2026-10-24 21:59"),
    "just begun": at("2026-10-24 22:01"),  # 00:01 in summer time
    "nearly over": at("2026-10-25 22:59"),  # 23:59 in winter time: the day has 25 hours
    "the morning after": at("2026-10-25 23:01"),
}


def sheet(browser: Browser, place: str) -> list[dict[str, str]]:
    """A download, as a spreadsheet reads it."""
    text = browser.get(place).content.decode("utf-8")
    assert text.startswith("\ufeff"), "Excel would take its letters for others"
    return list(csv.DictReader(io.StringIO(text[1:])))


def test_a_spreadsheet_reads_every_name_as_it_is(own: Database) -> None:
    names = {"Zoë Łuk", "שרה", "محمد علی", "नरेंद्र", "王小明", "Ann 👋"}
    now = time.time()
    Doors(own).happen(an_event("door1", person=name, wall=now) for name in sorted(names))
    browser = Browser(own)
    browser.login("administrator")
    assert {row["person"] for row in sheet(browser, "/history.csv")} == names


@pytest.mark.parametrize("page", ["history", "attendance"])
@pytest.mark.usefixtures("berlin")
def test_the_day_of_the_change_from_summer_time_has_all_its_hours(own: Database, page: str) -> None:
    Doors(own).happen(an_event("door1", person=name, wall=at) for name, at in PASSES.items())
    browser = Browser(own)
    browser.login("administrator")
    rows = sheet(browser, f"/{page}.csv?from=2026-10-25&to=2026-10-25")
    people = {row["person"] for row in rows}
    assert people == {"just begun", "nearly over"}


@pytest.mark.usefixtures("berlin")
def test_the_last_days_begin_at_midnight_whatever_time_was_kept_then(
    own: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    Doors(own).happen(an_event("door1", person=name, wall=at) for name, at in PASSES.items())
    browser = Browser(own)
    monkeypatch.setattr(time, "time", lambda: at("2026-10-31 12:00"))
    browser.login("administrator")
    days = {row["person"]: row["day"] for row in sheet(browser, "/attendance.csv")}
    assert days == {
        "just begun": "2026-10-25",
        "nearly over": "2026-10-25",
        "the morning after": "2026-10-26",
    }


@pytest.mark.parametrize("find", ["jose\u0301", "JOS\u00c9", " jos\u00e9 "])
def test_somebody_is_found_however_the_name_is_typed(own: Database, find: str) -> None:
    browser = Browser(own)
    browser.login("administrator")
    browser.send("/doors/door1/set-up", name="Office of Jos\u00e9")
    assert "Office of Jos\u00e9" in browser.get(f"/?find={find}").text
    assert "Office of Jos\u00e9" not in browser.get("/?find=anna").text
