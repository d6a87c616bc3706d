"""The page that says how the fleet is, with more doors than one reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from edge.fleet.database.tables import devices
from edge.fleet.web.pages.health import A_PAGE
from tests.fleet.site import Browser, Doors

if TYPE_CHECKING:
    from edge.fleet.database.database import Database

ROW = '<th scope="row">'


def test_however_many_doors_there_are_the_worst_are_on_one_page(own: Database) -> None:
    Doors(own).online("door1")
    Doors(own).say("door1", "tamper", b"ON")
    with own.news() as (writing, batch):
        for number in range(600):
            row = {
                "id": f"d{number}",
                "name": f"Gate {number:03}",
                "reported": json.dumps({"version": f"7.{number % 2}"}),
                "first_seen": 0.0,
                "heard": 0.0,
                "chain": "",
                "batch": batch,
            }
            writing.execute(devices.insert().values(**row))
    browser = Browser(own)
    browser.login("administrator")
    page = browser.get("/health").text
    assert page.count(ROW) == A_PAGE
    assert page.index(">door1<") < page.index(">Gate 000<"), "what is wrong comes first"
    assert "more, none of them worse than these" in page
    assert "<b>300</b> 7.0" in page
    found = browser.get("/health?find=gate 599").text
    assert found.count(ROW) == 1
    assert "Gate 599" in found
