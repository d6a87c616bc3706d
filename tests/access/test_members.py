"""An end comes, whatever the clock is set to meanwhile."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.access.members import MemberSchedule, with_members
from edge.access.schedule import Schedule, Verdict, parse
from edge.moment import SET_BACK_S, Latest, Moment
from edge.roster.pages import Member
from edge.roster.plan import Head

MORNING = 1_800_000_000.0
DAY_S = 86_400.0
GUEST = Member("p1", "Guest", "a" * 64, 1, (), MORNING + DAY_S)
STAFF = Member("p2", "Staff", "b" * 64, 1)


def at(passed_s: float, shown_s: float, *, trusted: bool = True) -> Moment:
    """So long after the start, and what the clock shows after the morning."""
    return Moment("b", 100.0 + passed_s, MORNING + shown_s, wall_trusted=trusted)


def schedule(*seen: Moment, wall: float = 0.0) -> MemberSchedule:
    latest = Latest(wall)
    for moment in seen:
        latest = latest.after(moment)
    return with_members(Schedule({}, latest=latest), (GUEST, STAFF), Head(1))


def test_a_clock_set_back_puts_off_no_end() -> None:
    tomorrow, back = DAY_S - 1, at(DAY_S, 0.0)
    door = schedule(at(0.0, 0.0), at(tomorrow, tomorrow))
    assert door.verdict("Guest", at(tomorrow, tomorrow)) is Verdict.ALLOWED
    assert door.verdict("Guest", at(DAY_S, DAY_S)) is Verdict.LAPSED
    assert door.verdict("Guest", back) is Verdict.CLOCK_UNTRUSTED
    assert door.verdict("Staff", back) is Verdict.ALLOWED
    leased = replace(door, head=Head(1, "", MORNING + DAY_S))
    assert leased.verdict("Staff", back) is Verdict.CLOCK_UNTRUSTED


def test_nor_does_one_that_stands_still() -> None:
    door = schedule(at(0.0, 0.0))
    assert door.verdict("Guest", at(SET_BACK_S, 0.0)) is Verdict.ALLOWED
    assert door.verdict("Guest", at(SET_BACK_S + 1, 0.0)) is Verdict.CLOCK_UNTRUSTED


def test_nor_does_a_restart() -> None:
    door = schedule(at(0.0, 0.0), wall=MORNING + 2 * SET_BACK_S)
    assert door.verdict("Guest", at(0.0, 0.0)) is Verdict.CLOCK_UNTRUSTED
    assert door.verdict("Guest", at(1.0, 2 * SET_BACK_S)) is Verdict.ALLOWED


@pytest.mark.parametrize("ahead_s", [2 * DAY_S, -2 * DAY_S])
def test_a_clock_that_was_not_set_says_nothing(ahead_s: float) -> None:
    door = schedule(at(0.0, ahead_s, trusted=False), at(1.0, 1.0))
    assert door.verdict("Guest", at(2.0, 2.0)) is Verdict.ALLOWED


def test_a_clock_that_is_set_forward_counts_from_there() -> None:
    latest = Latest().after(at(0.0, 0.0)).after(at(1.0, DAY_S))
    assert latest.behind_s(at(2.0, DAY_S + 1)) == 0
    assert latest.behind_s(at(2.0, 2.0)) == DAY_S - 1


def test_whom_the_centre_gives_no_hours_follows_the_doors() -> None:
    """They passed at any time where the door has hours for everybody."""
    night = replace(STAFF, name="Night", person="p3", schedule=("always",))
    early = replace(STAFF, name="Early", person="p4", schedule=("daily 4:00-6:00",))
    hours = parse({"*": ["daily 8:00-9:00"]}, "UTC")
    door = with_members(hours, (STAFF, night, early), Head(1))
    names = ("Staff", "Night", "Early", "Somebody else")
    assert MORNING % DAY_S == 8 * 3600
    passing = [name for name in names if door.verdict(name, at(0.0, 0.0)) is Verdict.ALLOWED]
    assert passing == ["Staff", "Night", "Somebody else"]
    later = [name for name in names if door.verdict(name, at(0.0, 7200.0)) is Verdict.ALLOWED]
    assert later == ["Night"]
