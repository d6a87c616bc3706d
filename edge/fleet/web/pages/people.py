"""Who is inside, who came and went, and who may pass where."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select, update

from edge.errors import UsageError
from edge.fleet.database.tables import devices, events, holidays, members, whereabouts, zones
from edge.fleet.text import local
from edge.fleet.web.entry import Entry, Where
from edge.fleet.web.pages.history import day, stamp
from edge.fleet.web.roles import Verb
from edge.fleet.web.spreadsheet import spreadsheet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from edge.fleet.web.visit import Visit

MOST_DAYS = 62
_GRANTED = "granted"


def muster(visit: Visit) -> Response:
    """Who is inside, by zone: made to be printed and read out."""
    rows = visit.connection.execute(
        select(whereabouts, zones.c.name.label("zone"), devices.c.name.label("door"))
        .join(zones, zones.c.id == whereabouts.c.zone_id)
        .join(devices, devices.c.id == whereabouts.c.device)
        .where(visit.visible(Verb.SEE_PEOPLE))
        .order_by(zones.c.name, whereabouts.c.person)
    ).all()
    by_zone: dict[str, list[Any]] = {}
    for row in rows:
        by_zone.setdefault(row.zone, []).append(row)
    zoned = visit.connection.execute(
        select(func.count()).select_from(devices).where(devices.c.to_zone.is_not(None))
    ).scalar_one()
    return visit.page("muster.html", by_zone=by_zone, total=len(rows), zoned=zoned)


def put_outside(visit: Visit) -> Response:
    """Somebody was seen to have left."""
    person = visit.text("person", 80)
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
        first=first.date().isoformat(),
        last=last.date().isoformat(),
        free=_holidays(visit),
    )


def attendance_csv(visit: Visit) -> Response:
    """The same as a file."""
    first, last = _range(visit)
    free = _holidays(visit)
    rows = (
        (
            each["day"],
            free.get(each["day"], ""),
            each["person"],
            stamp(each["first"]),
            stamp(each["last"]),
            each["count"],
        )
        for each in _days(visit, first, last)
    )
    head = ("day", "holiday", "person", "first in", "last seen", "grants")
    return spreadsheet("attendance", head, rows)


def review(visit: Visit) -> Response:
    """Who may pass where, and when they last did."""
    return visit.page("review.html", members=_members(visit))


def review_csv(visit: Visit) -> Response:
    """The same as a file."""
    rows = (
        (
            row.person,
            row.device,
            row.name,
            stamp(row.enrolled) if row.enrolled else "",
            stamp(row.last_used) if row.last_used else "",
            stamp(row.expires) if row.expires else "",
        )
        for row in _members(visit)
    )
    head = ("person", "door", "name", "enrolled", "last used", "expires")
    return spreadsheet("access-review", head, rows)


def _holidays(visit: Visit) -> dict[str, str]:
    return {row.day: row.name for row in visit.connection.execute(select(holidays))}


def _members(visit: Visit) -> Sequence[Any]:
    return visit.connection.execute(
        select(members, devices.c.name)
        .join(devices, devices.c.id == members.c.device)
        .where(visit.visible(Verb.SEE_PEOPLE), members.c.removed.is_(None))
        .order_by(members.c.person, devices.c.name)
    ).all()


def _range(visit: Visit) -> tuple[datetime, datetime]:
    today = datetime.fromtimestamp(visit.now).astimezone()
    midnight = today.replace(hour=0, minute=0, second=0, microsecond=0)
    week = timedelta(days=6)
    first = day(visit.query, "from") if visit.query.get("from") else midnight - week
    last = day(visit.query, "to") if visit.query.get("to") else midnight
    if not timedelta() <= last - first <= timedelta(days=MOST_DAYS):
        raise UsageError(f"choose a time of at most {MOST_DAYS} days, the first day first")
    return first, last


def _days(visit: Visit, first: datetime, last: datetime) -> list[dict[str, Any]]:
    rows = visit.connection.execute(
        select(events.c.at, events.c.person)
        .join(devices, devices.c.id == events.c.device)
        .where(
            visit.visible(Verb.SEE_PEOPLE),
            events.c.type == _GRANTED,
            events.c.person.is_not(None),
            events.c.trusted,
            events.c.at >= first.timestamp(),
            events.c.at < (last + timedelta(days=1)).timestamp(),
        )
        .order_by(events.c.at)
    )
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        there = local(row.at)
        date = there.date().isoformat() if there else ""
        new = {"day": date, "person": row.person, "first": row.at, "count": 0}
        each = found.setdefault((date, row.person), new)
        each["last"] = row.at
        each["count"] += 1
    return sorted(found.values(), key=lambda each: (each["day"], each["person"].casefold()))


ENTRIES = (
    Entry("GET", "/muster", muster, Verb.SEE_PEOPLE),
    Entry("POST", "/muster/outside", put_outside, Verb.CORRECT_MUSTER, Where.EVERYWHERE),
    Entry("GET", "/attendance", attendance, Verb.SEE_PEOPLE),
    Entry("GET", "/attendance.csv", attendance_csv, Verb.SEE_PEOPLE),
    Entry("GET", "/access", review, Verb.SEE_PEOPLE),
    Entry("GET", "/access.csv", review_csv, Verb.SEE_PEOPLE),
)
