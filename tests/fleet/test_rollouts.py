"""Roll-outs on the dashboard, from what office and doors publish."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from edge.fleet.collector.news import News
from edge.fleet.database.database import Database
from edge.fleet.database.tables import devices, rollouts
from edge.link.arrivals import Received
from edge.link.payloads import RolloutPlan, RolloutState, UpdateReported, to_json
from edge.link.topics import rollout_plan
from tests.fleet.site import BASE, Browser, Doors, furnish

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DIGEST = "d" * 64
PLAN = RolloutPlan(7, DIGEST, (("door1",), ("door2",)), 0, RolloutState.RUNNING)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database.open(f"sqlite:///{tmp_path}/fleet.db")
    furnish(opened)
    yield opened
    opened.close()


def tell(database: Database, plan: RolloutPlan | bytes) -> None:
    payload = plan if isinstance(plan, bytes) else to_json(plan)
    news = News(BASE)
    news.hear(Received(rollout_plan(BASE), payload, retained=True), 0.0)
    news.write(database, 100.0)


def say(database: Database, device: str, state: str, why: str = "") -> None:
    report = to_json(UpdateReported(device, DIGEST, "refused", why, 0))
    payload = report.replace(b"refused", state.encode())
    Doors(database).say(device, "update/reported", payload, retained=True)


def words(database: Database, who: str = "viewer") -> list[str]:
    browser = Browser(database)
    browser.login(who)
    page = str(browser.get("/rollouts").text)
    return [part.split("<")[0] for part in page.split('class="word">')[1:]]


def test_waves_are_shown_as_they_go(database: Database) -> None:
    assert words(database) == []
    tell(database, PLAN)
    assert words(database) == ["running", "not heard of", "not yet"]
    say(database, "door1", "fetching")
    assert words(database) == ["running", "fetching", "not yet"]
    say(database, "door1", "in force")
    tell(database, replace(PLAN, wave=1))
    say(database, "door2", "in force")
    tell(database, replace(PLAN, wave=1, state=RolloutState.DONE))
    assert words(database) == ["done", "in force", "in force"]


def test_a_halt_says_why_and_who_was_spared(database: Database) -> None:
    say(database, "door1", "refused", "the mesh answers something else")
    tell(database, replace(PLAN, state=RolloutState.HALTED, why="door1: the mesh"))
    assert words(database) == ["halted", "refused", "not offered"]
    browser = Browser(database)
    browser.login("viewer")
    assert "the mesh answers something else" in browser.get("/rollouts").text


def test_who_sees_one_group_sees_no_other_groups_doors(database: Database) -> None:
    tell(database, PLAN)
    assert words(database, "viewer north") == ["running", "not heard of"]


def test_rubbish_is_neither_a_plan_nor_a_door(database: Database) -> None:
    for payload in (b"", b"{}", b"[]", to_json(PLAN).replace(b"running", b"lost")):
        tell(database, payload)
        Doors(database).say("door1", "update/reported", payload)
    with database.reading() as reading:
        assert reading.execute(select(rollouts)).all() == []
        assert set(reading.execute(select(devices.c.id)).scalars()) == {"door1", "door2"}
