"""Who is inside, who came and went, and who may pass where."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from sqlalchemy import func, select, update

from edge.errors import UsageError
from edge.fleet.database.tables import (
    devices,
    events,
    holidays,
    members,
    roster_pages,
    whereabouts,
    zones,
)
from edge.fleet.text import DAY_S, MAX_NAME, local
from edge.fleet.web.entry import Entry, Where
from edge.fleet.web.pages.history import day, midnight, number, stamp
from edge.fleet.web.roles import Verb
from edge.fleet.web.spreadsheet import spreadsheet
from edge.link.topics import GRANTED
from edge.names import folded
from edge.roster.pages import gather

if TYPE_CHECKING:
    from starlette.responses import Response

    from edge.fleet.web.visit import Visit

MOST_DAYS = 62
_UNUSED = (30, 90, 365)
"""Days; a review asks who does not use what they have."""


@dataclass(slots=True)
class Day:
    """One person's day at the doors."""

    day: str
    person: str
    first: float
    """Seconds since 1970."""
    last: float
    count: int = 0
    """Grants."""


def muster(visit: Visit) -> Response:
    """Who is inside, by zone: made to be printed and read out."""
    rows = visit.connection.execute(
        select(whereabouts, zones.c.name.label("zone"), devices.c.name.label("door"))
        .join(zones, zones.c.id == whereabouts.c.zone_id)
        .join(devices, devices.c.id == whereabouts.c.device)
        .where(visit.visible(Verb.SEE_PEOPLE))
        .order_by(zones.c.name, whereabouts.c.person)
    ).all()
    by_zone = {zone: list(inside) for zone, inside in groupby(rows, lambda row: row.zone)}
    zoned = visit.connection.execute(
        select(func.count()).select_from(devices).where(devices.c.to_zone.is_not(None))
    ).scalar_one()
    return visit.page("muster.html", by_zone=by_zone, total=len(rows), zoned=zoned)


def put_outside(visit: Visit) -> Response:
    """Somebody was seen to have left."""
    person = visit.text("person", MAX_NAME)
    visit.connection.execute(
        update(whereabouts)
        .where(whereabouts.c.person == person)
        .values(zone_id=None, since=visit.now)
    )
    visit.note(Verb.CORRECT_MUSTER.value, person, "put outside")
    return visit.back("/muster")


def attendance(visit: Visit) -> Response:
    """First in and last out, a person and day."""
    first, last = _range(visit)
    return visit.page(
        "attendance.html",
        days=_days(visit, first, last),
        first=first.isoformat(),
        last=last.isoformat(),
        free=_holidays(visit),
    )


def attendance_csv(visit: Visit) -> Response:
    """The same as a file."""
    first, last = _range(visit)
    free = _holidays(visit)
    rows = (
        (
            each.day,
            free.get(each.day, ""),
            each.person,
            stamp(each.first),
            stamp(each.last),
            each.count,
        )
        for each in _days(visit, first, last)
    )
    head = ("day", "holiday", "person", "first in", "last seen", "grants")
    return spreadsheet("attendance", head, rows)


def review(visit: Visit) -> Response:
    """Who may pass where, when they last did, and until when they may."""
    return visit.page("review.html", rights=_rights(visit), unused=_UNUSED, query=visit.query)


def review_csv(visit: Visit) -> Response:
    """The same as a file."""
    rows = (
        (each.person, each.device, each.door, *map(_stamped, (each.enrolled, each.used, each.ends)))
        for each in _rights(visit)
    )
    head = ("person", "door", "name", "enrolled", "last used", "expires")
    return spreadsheet("access-review", head, rows)


def _stamped(seconds: float | None) -> str:
    return "" if seconds is None else stamp(seconds)


def _holidays(visit: Visit) -> dict[str, str]:
    return {row.day: row.name for row in visit.connection.execute(select(holidays))}


@dataclass(frozen=True, slots=True)
class Right:
    """That somebody may pass at a door, as far as the door told; moments are since 1970."""

    person: str
    device: str
    door: str
    enrolled: float | None
    used: float | None
    ends: float | None


def _rights(visit: Visit) -> list[Right]:
    """By person and door; `unused` and `find` of the address leave the others out."""
    days = number(visit.query, "unused") if visit.query.get("unused") else 0
    find = folded(visit.query.get("find", ""))
    ends = _ends(visit)
    rows = visit.connection.execute(
        select(members, devices.c.name)
        .join(devices, devices.c.id == members.c.device)
        .where(visit.visible(Verb.SEE_PEOPLE), members.c.removed.is_(None))
        .order_by(members.c.person, devices.c.name)
    )
    return [
        Right(
            person=row.person,
            device=row.device,
            door=row.name,
            enrolled=row.enrolled,
            used=row.last_used,
            ends=ends.get((row.device, row.number)),
        )
        for row in rows
        if find in folded(row.person)
        and not (days and (row.last_used or 0.0) > visit.now - days * DAY_S)
    ]


def _ends(visit: Visit) -> dict[tuple[str, str], float]:
    """By door and the office's number of a person: what its list says of their end."""
    pages = select(roster_pages.c.device, roster_pages.c.body)
    pages = pages.join(devices, devices.c.id == roster_pages.c.device)
    found: dict[tuple[str, str], float] = {}
    for device, body in visit.connection.execute(pages.where(visit.visible(Verb.SEE_PEOPLE))):
        listed = gather([body.encode("ascii")]).members
        found |= {(device, one.person): one.expires for one in listed if one.expires}
    return found


def _range(visit: Visit) -> tuple[date, date]:
    today = datetime.fromtimestamp(visit.now).astimezone().date()
    week = timedelta(days=6)
    first = day(visit.query, "from") if visit.query.get("from") else today - week
    last = day(visit.query, "to") if visit.query.get("to") else today
    if not timedelta() <= last - first <= timedelta(days=MOST_DAYS):
        raise UsageError(f"choose a time of at most {MOST_DAYS} days, the first day first")
    return first, last


def _days(visit: Visit, first: date, last: date) -> list[Day]:
    rows = visit.connection.execute(
        select(events.c.at, events.c.person)
        .join(devices, devices.c.id == events.c.device)
        .where(
            visit.visible(Verb.SEE_PEOPLE),
            events.c.type == GRANTED,
            events.c.person.is_not(None),
            events.c.trusted,
            events.c.at >= midnight(first),
            events.c.at < midnight(last + timedelta(days=1)),
        )
        .order_by(events.c.at)
    )
    found: dict[tuple[str, str], Day] = {}
    for row in rows:
        there = local(row.at)
        on = there.date().isoformat() if there else ""
        each = found.setdefault((on, row.person), Day(on, row.person, row.at, row.at))
        each.last = row.at
        each.count += 1
    return sorted(found.values(), key=lambda each: (each.day, each.person.casefold()))


ENTRIES = (
    Entry("GET", "/muster", muster, Verb.SEE_PEOPLE),
    Entry("POST", "/muster/outside", put_outside, Verb.CORRECT_MUSTER, Where.EVERYWHERE),
    Entry("GET", "/attendance", attendance, Verb.SEE_PEOPLE),
    Entry("GET", "/attendance.csv", attendance_csv, Verb.SEE_PEOPLE),
    Entry("GET", "/access", review, Verb.SEE_PEOPLE),
    Entry("GET", "/access.csv", review_csv, Verb.SEE_PEOPLE),
)
