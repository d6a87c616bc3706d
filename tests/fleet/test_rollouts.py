"""Roll-outs on the dashboard, from what office and doors publish."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import select

from edge.fleet.collector.news import News
from edge.fleet.database.tables import devices, rollouts
from edge.link.arrivals import Received
from edge.link.payloads import RolloutPlan, RolloutState, UpdateReported, to_json
from edge.link.topics import rollout_plan
from tests.fleet.site import BASE, Browser, Doors

if TYPE_CHECKING:
    from edge.fleet.database.database import Database

DIGEST = "d" * 64
PLAN = RolloutPlan(7, DIGEST, (("door1",), ("door2",)), 0, RolloutState.RUNNING)


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


def test_waves_are_shown_as_they_go(own: Database) -> None:
    assert words(own) == []
    tell(own, PLAN)
    assert words(own) == ["running", "not heard of", "not yet"]
    say(own, "door1", "fetching")
    assert words(own) == ["running", "fetching", "not yet"]
    say(own, "door1", "in force")
    tell(own, replace(PLAN, wave=1))
    say(own, "door2", "in force")
    tell(own, replace(PLAN, wave=1, state=RolloutState.DONE))
    assert words(own) == ["done", "in force", "in force"]


def test_a_halt_says_why_and_who_was_spared(own: Database) -> None:
    say(own, "door1", "refused", "the mesh answers something else")
    tell(own, replace(PLAN, state=RolloutState.HALTED, why="door1: the mesh"))
    assert words(own) == ["halted", "refused", "not offered"]
    browser = Browser(own)
    browser.login("viewer")
    assert "the mesh answers something else" in browser.get("/rollouts").text


def test_who_sees_one_group_sees_no_other_groups_doors(own: Database) -> None:
    tell(own, PLAN)
    assert words(own, "viewer north") == ["running", "not heard of"]


def test_rubbish_is_neither_a_plan_nor_a_door(own: Database) -> None:
    for payload in (b"", b"{}", b"[]", to_json(PLAN).replace(b"running", b"lost")):
        tell(own, payload)
        Doors(own).say("door1", "update/reported", payload)
    with own.reading() as reading:
        assert reading.execute(select(rollouts)).all() == []
        assert set(reading.execute(select(devices.c.id)).scalars()) == {"door1", "door2"}
