"""What no single message brings: who is absent, what runs out, who is where, what is forgotten."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from sqlalchemy import func, select, true, update

from edge.fleet.collector import upkeep
from edge.fleet.database.database import Database
from edge.fleet.database.tables import (
    actions,
    alarms,
    devices,
    events,
    figures,
    members,
    whereabouts,
)
from edge.fleet.kinds import Presence
from edge.fleet.presence import SILENT_AFTER_S, presence
from edge.fleet.web.operators import Actor, write_action
from edge.fleet.web.tiles import read_tiles
from edge.records import Reason
from tests.fleet.parts import raised, standing
from tests.fleet.site import Doors, an_event, furnish

DAY_S = 86400.0


@pytest.mark.parametrize(
    ("available", "lock", "silent_s", "expected"),
    [
        ("online", "online", 0, Presence.ONLINE),
        ("online", "online", SILENT_AFTER_S + 1, Presence.SILENT),  # a killed broker's old word
        ("online", "online", -DAY_S, Presence.SILENT),  # heard when our clock was ahead
        ("online", "offline", 0, Presence.DEGRADED),
        ("offline", "online", 0, Presence.OFFLINE),
        ("", "online", 0, Presence.OFFLINE),
    ],
)
def test_online_is_said_only_of_what_was_heard(
    available: str, lock: str, silent_s: float, expected: Presence
) -> None:
    assert presence(available, {"lock/availability": lock}, 1000.0, 1000.0 + silent_s) is expected


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ({"certificate_ends": time.time() + 5 * DAY_S}, "certificate"),
        ({"certificate_ends": time.time() + 300 * DAY_S}, None),
        ({"outbox_depth": 85_000, "outbox_capacity": 100_000}, "outbox"),
        ({"outbox_depth": 5, "outbox_capacity": 100_000}, None),
        ({"twin": True}, "twin"),
        ({"certificate_ends": "soon", "outbox_depth": [], "twin": 1}, None),
    ],
)
def test_what_a_door_reports_becomes_an_alarm(
    database: Database, said: dict[str, Any], kind: str | None
) -> None:
    doors = Doors(database)
    doors.online("door1")
    doors.say("door1", "reported", json.dumps(said).encode())
    upkeep.look_round(database, time.time())
    assert standing(database) == ([("door1", kind)] if kind else [])
    doors.say("door1", "reported", b"{}")
    upkeep.look_round(database, time.time())
    assert standing(database) == []


def test_an_absent_door_is_an_alarm_once_and_clears_by_itself(database: Database) -> None:
    doors = Doors(database)
    doors.online("door1")
    doors.say("door1", "availability", b"offline")
    for _ in range(3):
        upkeep.look_round(database, time.time())
    assert standing(database) == [("door1", "offline")]
    assert raised(database) == ["offline"]
    doors.online("door1")
    upkeep.look_round(database, time.time())
    assert standing(database) == []


def test_people_are_followed_through_the_zones(database: Database) -> None:
    furnish(database)  # both doors lead from the street into the hall
    doors, now = Doors(database), time.time()
    doors.happen([an_event("door1", person="Ada", wall=now)])
    doors.happen([an_event("door2", person="Ada", wall=now + 1)])
    assert raised(database) == []  # in again, and where people leave there is a button
    with database.writing() as writing:
        out = {"from_zone": 1, "to_zone": None}
        writing.execute(update(devices).where(devices.c.id == "door2").values(**out))
    doors.happen([an_event("door1", person="Ada", wall=now + 2)])
    assert raised(database) == ["passback"]  # in again, and no reader saw her leave
    doors.happen([an_event("door2", person="Ada", wall=now - 100)])  # told late: changes nothing
    assert raised(database) == ["passback"]
    doors.happen([an_event("door2", person="Ada", wall=now + 3)])
    doors.happen([an_event("door1", person="Ada", wall=now + 4)])
    assert raised(database) == ["passback"]
    with database.reading() as reading:
        assert reading.execute(select(whereabouts.c.zone_id)).scalar_one() == 1


def test_whoever_the_door_did_not_open_for_is_where_they_were(database: Database) -> None:
    furnish(database)
    doors, now = Doors(database), time.time() - 7200
    with database.writing() as writing:
        out = {"from_zone": 1, "to_zone": None}
        writing.execute(update(devices).where(devices.c.id == "door2").values(**out))

    def where() -> int | None:
        with database.reading() as reading:
            return reading.execute(select(whereabouts.c.zone_id)).scalar_one()

    doors.happen([an_event("door1", person="Ada", wall=now)])
    doors.happen([an_event("door2", person="Ada", wall=now + 1)])
    assert where() is None
    doors.happen([an_event("door2", Reason.DOOR_UNAVAILABLE, person="Ada", wall=now + 2)])
    assert where() == 1
    doors.happen([an_event("door1", Reason.DOOR_UNAVAILABLE, person="Ada", wall=now + 3600)])
    assert where() == 1  # a card at a door whose guard was gone: nobody had been let in there
    doors.happen([an_event("door1", Reason.DOOR_UNAVAILABLE, person="Ada", wall=now - 5)])
    assert where() == 1  # told late: changes nothing


def test_who_may_pass_follows_enrolments_and_grants(database: Database) -> None:
    doors = Doors(database)
    doors.happen([an_event("door1", Reason.ENROLLED, wall=100.0), an_event("door1", wall=200.0)])
    with database.reading() as reading:
        row = reading.execute(select(members)).one()
    assert (row.person, row.enrolled, row.last_used, row.removed) == ("Ada", 100.0, 200.0, None)
    doors.happen([an_event("door1", Reason.REMOVED, wall=300.0)])
    with database.reading() as reading:
        assert reading.execute(select(members.c.removed)).scalar_one() == 300.0


def test_another_name_is_the_same_person(database: Database) -> None:
    furnish(database)
    doors = Doors(database)
    doors.happen([an_event("door1", person="Ann", wall=100.0)])
    renamed = an_event("door1", Reason.RENAMED, person="Bea", wall=200.0, detail={"before": "Ann"})
    doors.happen([renamed])
    with database.reading() as reading:
        place = reading.execute(select(whereabouts)).one()
        found = reading.execute(select(members.c.person).where(members.c.removed.is_(None)))
        assert found.scalars().all() == ["Bea"]
    assert (place.person, place.zone_id, place.since) == ("Bea", 1, 100.0)


@pytest.mark.parametrize(
    ("kind", "begins", "ends"),
    [
        ("tamper", (Reason.TAMPER, {"active": True}), (Reason.TAMPER, {"active": False})),
        (
            "fault",
            (Reason.FAULT, {"active": True, "message": "the relay does not answer"}),
            (Reason.FAULT, {"active": False, "message": ""}),
        ),
        ("forced", (Reason.FORCED, {}), (Reason.CLOSED, {})),
        ("held", (Reason.HELD_OPEN, {}), (Reason.CLOSED, {})),
        ("camera_lost", (Reason.CAMERA_LOST, {}), (Reason.CAMERA_BACK, {})),
    ],
)
def test_what_begins_and_ends_is_an_alarm_in_between(
    database: Database, kind: str, begins: tuple[Reason, Any], ends: tuple[Reason, Any]
) -> None:
    """As doors write it, whatever comes live or late."""
    doors = Doors(database)
    doors.happen([an_event("door1", begins[0], person=None, detail=begins[1])])
    assert standing(database) == [("door1", kind)]
    with database.reading() as reading:
        assert begins[1].get("message", "") in reading.execute(select(alarms.c.text)).scalar_one()
    doors.happen([an_event("door1", ends[0], person=None, detail=ends[1])])
    assert standing(database) == []
    late = [an_event("door1", each, person=None, detail=said) for each, said in (begins, ends)]
    doors.happen(late, replayed=True)
    assert standing(database) == []


def test_whose_face_was_shown_often_is_an_alarm_with_their_name(database: Database) -> None:
    """The owner is told: on the wall it was a line among all others."""
    Doors(database).happen([an_event("door1", Reason.TRIED_OFTEN, person="Ada")])
    with database.reading() as reading:
        (row,) = reading.execute(select(alarms.c.kind, alarms.c.text))
    assert row.kind == "tried"
    assert row.text == "a face was shown often and never proved alive: Ada"


def test_a_face_that_keeps_everybody_out_is_an_alarm(database: Database) -> None:
    Doors(database).happen([an_event("door1", Reason.FACE_STAYS, person=None)])
    with database.reading() as reading:
        (row,) = reading.execute(select(alarms.c.kind, alarms.c.text))
    assert (row.kind, row.text) == ("face_stays", "beside it nobody is let in")


def test_duress_is_an_alarm_each_time_and_an_unset_clock_one(database: Database) -> None:
    doors = Doors(database)
    doors.happen([an_event("door1", Reason.DURESS) for _ in range(2)])
    assert raised(database) == ["duress", "duress"]
    doors.happen([an_event("door1", wall_trusted=False) for _ in range(2)])
    assert standing(database) == [("door1", "clock")]
    doors.happen([an_event("door1")])
    assert standing(database) == []


@pytest.mark.parametrize(("off", "said"), [(2.3e9, "ahead by"), (-1.7e9, "behind by")])
def test_a_clock_that_is_wrong_and_does_not_know_it(
    database: Database, off: float, said: str
) -> None:
    """A battery that died, a time server that lies: 1970, or 2100."""
    furnish(database)
    doors, now = Doors(database), time.time()
    doors.happen([an_event("door1", person="Ada", wall=now + off)])
    assert standing(database) == [("door1", "clock")]
    with database.reading() as reading:
        alarm = reading.execute(select(alarms)).one()
        place = reading.execute(select(whereabouts)).one()
    assert said in alarm.text
    assert max(alarm.raised, place.since) <= time.time()
    with database.writing() as writing:
        out = {"from_zone": 1, "to_zone": None}
        writing.execute(update(devices).where(devices.c.id == "door2").values(**out))
    doors.happen([an_event("door2", person="Ada")])  # she leaves by a door that knows the time
    doors.happen([an_event("door1", person="Bob")])
    assert standing(database) == []
    with database.reading() as reading:
        inside = select(whereabouts.c.person).where(whereabouts.c.zone_id.is_not(None))
        assert reading.execute(inside).scalars().all() == ["Bob"]


def test_whoever_came_while_our_own_clock_was_ahead_is_still_seen_to_leave(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list of who is inside stood still until the time had come that it was wrong by."""
    furnish(database)
    doors, now = Doors(database), time.time()
    with database.writing() as writing:
        out = {"from_zone": 1, "to_zone": None}
        writing.execute(update(devices).where(devices.c.id == "door2").values(**out))
    with monkeypatch.context() as ahead:
        ahead.setattr(time, "time", lambda: now + 400 * DAY_S)
        doors.happen([an_event("door1", person="Ada", wall=now + 400 * DAY_S)])
    doors.happen([an_event("door2", person="Ada", wall=now)])
    with database.reading() as reading:
        assert reading.execute(select(whereabouts.c.zone_id)).scalars().all() == [None]


def test_a_collector_that_was_there_while_a_clock_was_ahead_does_not_listen_for_ever(
    database: Database,
) -> None:
    """One that ended then was taken to listen, and no door's tile said that nobody knows."""
    furnish(database)
    now = time.time()
    upkeep.sign_of_life(database, "a", now + 400 * DAY_S, connected=True)
    with database.reading() as reading:
        tiles = read_tiles(reading, now, true())
    assert {tile.presence for tile in tiles} == {Presence.UNKNOWN}


def test_whoever_entered_by_a_door_without_a_clock_is_inside(database: Database) -> None:
    furnish(database)
    doors = Doors(database)
    doors.happen([an_event("door1", person="Ada", wall=5.0, wall_trusted=False)])
    doors.happen([an_event("door2", person="Ada", wall=time.time() - 60)])
    with database.reading() as reading:
        place = reading.execute(select(whereabouts)).one()
    assert (place.zone_id, place.device) == (1, "door1")
    assert abs(place.since - time.time()) < 60


def test_what_is_too_old_is_forgotten_and_nothing_else(database: Database) -> None:
    doors = Doors(database)
    doors.happen([an_event("door1") for _ in range(3)])
    doors.say("door1", "metrics", b'{"fps": 15}')
    with database.writing() as writing:
        write_action(writing, time.time(), Actor("anna", ""), "login", "password")

    def left() -> list[int]:
        with database.reading() as reading:
            tables = (events, figures, actions)
            counts = [reading.execute(select(func.count()).select_from(each)) for each in tables]
            return [count.scalar_one() for count in counts]

    upkeep.forget(database, time.time() + 29 * DAY_S, keep_days=30)
    assert left() == [3, 1, 1]
    upkeep.forget(database, time.time() + 31 * DAY_S, keep_days=30)
    assert left() == [0, 0, 0]
    with database.reading() as reading:  # the watermark stays: nothing is asked for again
        assert reading.execute(select(devices.c.whole)).scalar_one() == 3


def test_who_was_removed_is_forgotten_with_the_events_that_tell_of_them(database: Database) -> None:
    furnish(database)
    doors, now = Doors(database), time.time()
    told = (Reason.ENROLLED, Reason.GRANTED, Reason.REMOVED)
    doors.happen([an_event("door1", reason, person="Ada", wall=now) for reason in told])
    doors.happen([an_event("door1", Reason.ENROLLED, person="Bo", wall=now)])
    named = (members.c.person, whereabouts.c.person, events.c.person)

    def whose() -> list[set[str]]:
        with database.reading() as reading:
            return [set(reading.execute(select(each)).scalars()) for each in named]

    upkeep.forget(database, now + 29 * DAY_S, keep_days=30)
    assert whose() == [{"Ada", "Bo"}, {"Ada"}, {"Ada", "Bo"}]
    upkeep.forget(database, now + 31 * DAY_S, keep_days=30)
    assert whose() == [{"Bo"}, set(), set()]  # Bo may pass still
