"""Desired against reported on the dashboard: from what office and doors really publish."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from edge.fleet.collector import upkeep
from edge.fleet.database.tables import devices, roster_pages
from edge.roster.desired import sign
from tests.fleet.centre import Centre, word
from tests.fleet.parts import standing
from tests.fleet.site import Browser, an_event
from tests.support.centre import OTHER_MODEL, Door, Office, publish_otherwise, roster_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    made = Centre(tmp_path)
    yield made
    made.close()


def test_nobody_is_wanted_anywhere_at_first(centre: Centre) -> None:
    assert "edge-door office init" in centre.page()
    assert "Nobody from the centre is wanted here" in centre.of_door()


def test_a_person_is_not_yet_there_then_known_then_forgotten(centre: Centre) -> None:
    anna = centre.office.add("Anna", "staff")
    centre.office.publish("door1")
    centre.tell()
    assert word(centre.page()) == ["not yet"]
    assert "has list 0 of 1" in centre.page()
    assert word(centre.page("ann")) == ["not yet", "not yet"]
    centre.door.fetch(centre.office.broker)
    centre.tell()
    assert word(centre.page("ann")) == ["known", "as it should be"]
    centre.office.book.remove(anna)
    centre.office.publish("door1")
    centre.tell()
    assert word(centre.of_door()) == ["not yet", "not yet forgotten"]
    centre.door.fetch(centre.office.broker)
    centre.tell()
    assert word(centre.of_door()) == ["as it should be", "forgotten"]
    assert word(centre.page(anna.person)) == ["forgotten", "as it should be"]
    upkeep.look_round(centre.database, time.time())
    assert ("door1", "people") not in standing(centre.database)


def test_what_the_office_takes_off_the_broker_is_no_complaint(
    centre: Centre, caplog: pytest.LogCaptureFixture
) -> None:
    """Distrusting a door made the collector say that a list cannot be read."""
    centre.office.add("Anna", "staff")
    centre.office.publish("door1")
    centre.door.fetch(centre.office.broker)
    centre.tell()
    for rest in ("desired", "reported", f"page/{'a' * 64}"):
        centre.doors.say("door1", f"people/{rest}", b"")
    assert "not read" not in caplog.text
    assert word(centre.of_door()) == ["as it should be", "known"]  # anybody may publish nothing


def test_the_access_review_knows_the_end_and_who_does_not_come(centre: Centre) -> None:
    centre.office.add("Guest", "staff", until=time.time() + 3600)
    centre.office.add("Anna", "staff")
    centre.office.publish("door1")
    centre.door.fetch(centre.office.broker)
    centre.tell()

    def rows(query: str = "") -> list[str]:
        return str(centre.browser.get(f"/access{query}").text).split('<th scope="row">')[1:]

    anna, guest = rows()
    assert (anna.count("<time"), guest.count("<time")) == (1, 2)  # enrolled; and the end
    assert "never" in anna
    assert [row[:4] for row in rows("?find=ann")] == ["Anna"]
    used = an_event("door2", person="Anna", wall=time.time() - 40 * 86400)
    centre.doors.happen([used])
    assert len(rows("?unused=30")) == 3
    assert len(rows("?unused=90")) == 2
    ends = [line.split(",")[-1] for line in centre.browser.get("/access.csv").text.splitlines()]
    assert [bool(end.strip('"')) for end in ends[1:]] == [False, False, True]


def test_who_is_refused_is_shown_with_the_reason(centre: Centre) -> None:
    centre.office.add("Anna", "staff")
    centre.office.publish("door1")
    door = centre.door
    door.roster = roster_of(door.config, door.vault, door.ledger, OTHER_MODEL)
    door.fetch(centre.office.broker)
    centre.tell()
    assert word(centre.of_door()) == ["refused", "refused"]
    assert "another door, person, network or generation" in centre.page("Anna")
    upkeep.look_round(centre.database, time.time())
    assert ("door1", "people") in standing(centre.database)


def test_who_cannot_be_read_is_shown_whether_known_before_or_not(centre: Centre) -> None:
    office, door = centre.office, centre.door
    office.add("Anna", "staff")
    office.publish("door1")
    door.fetch(office.broker)
    office.add("Bo", "staff")
    office.add("Carl", "staff")
    publish_otherwise(office, door, {"Anna": {"expires": "soon"}, "Bo": {"sealed": "x"}})
    door.fetch(office.broker)
    centre.tell()
    assert sorted(word(centre.of_door())) == ["known", "refused", "refused", "refused"]
    assert "does not read: expires is not" in centre.page("Anna")
    assert word(centre.page("Carl")) == ["known", "refused"]


def test_a_lease_and_a_visitor_end(centre: Centre) -> None:
    soon = time.time() + 3600
    centre.office.add("Guest", "staff", until=soon)
    centre.office.add("Anna", "staff")
    centre.office.publish("door1", lease_s=86_400.0)
    centre.door.fetch(centre.office.broker)
    centre.tell()
    shown = centre.of_door()
    assert shown.count("<time") == 2  # the lease's end, the visitor's
    assert word(shown) == ["as it should be", "known", "known"]
    with pytest.MonkeyPatch.context() as later:
        later.setattr("edge.fleet.web.gate.time.time", lambda: soon + 1)
        centre.browser.login("operator")
        assert word(centre.of_door()) == ["as it should be", "known", "ended"]
        later.setattr("edge.fleet.web.gate.time.time", lambda: soon + 86_400)
        centre.browser.login("operator")
        assert word(centre.of_door()) == ["lapsed", "lapsed", "ended"]


def test_a_people_key_that_was_revoked_or_lost_is_a_state(centre: Centre, tmp_path: Path) -> None:
    centre.office.add("Anna", "staff")
    centre.office.publish("door1")
    centre.door.fetch(centre.office.broker)
    centre.door.close()
    second = Office.at(tmp_path / "second")
    centre.door = Door.at(tmp_path, "door1", second.keys.public)  # the old key is revoked there
    centre.tell()
    assert word(centre.page()) == ["not believed"]
    assert "was revoked there or begun anew" in centre.page()
    second.trust(centre.door, "staff")
    second.book.heard(centre.door.report())
    second.publish("door1")
    centre.door.fetch(second.broker)
    centre.tell(second.broker)
    assert word(centre.of_door()) == ["as it should be", "forgotten"]
    second.book.close()


def test_a_door_whose_people_keys_were_taken_away_says_so(centre: Centre, tmp_path: Path) -> None:
    centre.office.publish("door1")
    centre.door.fetch(centre.office.broker)
    centre.door.close()
    centre.door = Door.at(tmp_path, "door1")
    centre.tell()
    assert word(centre.page()) == ["no people key"]


def test_a_forged_and_an_old_list_change_nothing_and_are_shown(
    centre: Centre, tmp_path: Path
) -> None:
    centre.office.add("Anna", "staff")
    centre.office.publish("door1")
    old = dict(centre.office.broker)
    centre.office.add("Bo", "staff")
    centre.office.publish("door1")
    centre.door.fetch(centre.office.broker)
    centre.tell()
    topic = centre.door.topics.people_desired
    rogue = Office.at(tmp_path / "rogue")
    rogue.trust(centre.door, "staff")
    rogue.add("Mallory", "staff")
    made = rogue.book.make("door1", None)
    centre.tell({topic: sign(made.desired, [rogue.keys.signing])})
    assert word(centre.page()) == ["not believed"]
    centre.tell({topic: old[topic]})
    assert "an old list again" in centre.page()
    assert "Mallory" not in centre.of_door()
    assert "Bo" in centre.of_door()
    centre.tell()
    assert word(centre.page()) == ["as it should be"]
    rogue.book.close()


def test_a_page_or_report_that_is_none_is_not_stored(centre: Centre) -> None:
    for rest in ("people/page/" + "a" * 64, "people/desired", "people/reported"):
        for payload in (b"", b"[]", b"{}", b"\xff", b"[" * 5000):
            centre.doors.say("door1", rest, payload, retained=True)
    with centre.database.reading() as reading:
        assert reading.execute(select(roster_pages)).all() == []
    assert "edge-door office init" in centre.page()


def test_a_door_that_has_the_list_and_waits_for_envelopes(centre: Centre) -> None:
    centre.office.add("Anna", "staff")
    centre.office.publish("door1")
    centre.door.fetch({t: p for t, p in centre.office.broker.items() if "envelope" not in t})
    centre.tell()
    assert "1 envelope not there yet" in centre.page()
    assert word(centre.page("Anna")) == ["not yet", "not yet"]


def test_an_enroller_of_another_group_sees_none_of_it(centre: Centre) -> None:
    centre.office.add("Anna", "staff")
    centre.office.publish("door1")
    centre.tell()
    viewer = Browser(centre.database)
    viewer.login("viewer")
    assert viewer.get("/rosters").status_code == 403
    with centre.database.writing() as writing:
        writing.execute(update(devices).where(devices.c.id == "door1").values(group_id=2))
    north = Browser(centre.database)
    north.login("enroller north")
    assert "No door should know somebody of that name" in north.get("/rosters?find=Anna").text
    assert north.get("/rosters/door1").status_code == 404
