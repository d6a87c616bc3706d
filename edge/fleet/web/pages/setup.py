"""Groups of doors, zones, and days that are holidays."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import IntegrityError

from edge.errors import UsageError
from edge.fleet.database.tables import devices, groups, holidays, zones
from edge.fleet.text import MAX_NAME
from edge.fleet.web.entry import Entry, Where
from edge.fleet.web.roles import Verb

if TYPE_CHECKING:
    from sqlalchemy import Table
    from starlette.responses import Response

    from edge.fleet.web.visit import Visit


def setup(visit: Visit) -> Response:
    """All three lists."""
    run = visit.connection.execute
    sizes = {
        row.group_id: row.size
        for row in run(
            select(devices.c.group_id, func.count().label("size")).group_by(devices.c.group_id)
        )
    }
    return visit.page(
        "setup.html",
        groups=run(select(groups).order_by(groups.c.name)).all(),
        sizes=sizes,
        zones=run(select(zones).order_by(zones.c.name)).all(),
        holidays=run(select(holidays).order_by(holidays.c.day)).all(),
    )


def add_group(visit: Visit) -> Response:
    """A new group."""
    return _add(visit, groups)


def add_zone(visit: Visit) -> Response:
    """A new zone."""
    return _add(visit, zones)


def remove_group(visit: Visit) -> Response:
    """A group that no door is in."""
    return _remove(visit, groups)


def remove_zone(visit: Visit) -> Response:
    """A zone that no door leads to."""
    return _remove(visit, zones)


def add_holiday(visit: Visit) -> Response:
    """A day and its name."""
    name = visit.text("name", MAX_NAME)
    try:
        day = date.fromisoformat(visit.text("day", 10)).isoformat()
    except ValueError as error:
        raise UsageError("day: write a date such as 2026-12-25") from error
    visit.connection.execute(delete(holidays).where(holidays.c.day == day))
    visit.connection.execute(insert(holidays).values(day=day, name=name))
    visit.note(Verb.SET_UP.value, f"holiday {day}", name)
    return visit.back("/setup")


def remove_holiday(visit: Visit) -> Response:
    """A day as any other."""
    day = visit.text("day", 10)
    visit.connection.execute(delete(holidays).where(holidays.c.day == day))
    visit.note(Verb.SET_UP.value, f"holiday {day}", "removed")
    return visit.back("/setup")


def _add(visit: Visit, table: Table) -> Response:
    name = visit.text("name", MAX_NAME)
    try:
        with visit.connection.begin_nested():
            visit.connection.execute(insert(table).values(name=name))
    except IntegrityError as error:
        raise UsageError(f"{name} is there already") from error
    visit.note(Verb.SET_UP.value, f"{table.name}: {name}", "added")
    return visit.back("/setup")


def _remove(visit: Visit, table: Table) -> Response:
    number = visit.number("id")
    if number is None:
        raise UsageError("say which one")
    try:
        with visit.connection.begin_nested():
            visit.connection.execute(delete(table).where(table.c.id == number))
    except IntegrityError as error:
        raise UsageError("it is in use: move its doors and people first") from error
    visit.note(Verb.SET_UP.value, f"{table.name}: {number}", "removed")
    return visit.back("/setup")


ENTRIES = (
    Entry("GET", "/setup", setup, Verb.SET_UP, Where.EVERYWHERE),
    Entry("POST", "/setup/groups", add_group, Verb.SET_UP, Where.EVERYWHERE),
    Entry("POST", "/setup/groups/remove", remove_group, Verb.SET_UP, Where.EVERYWHERE),
    Entry("POST", "/setup/zones", add_zone, Verb.SET_UP, Where.EVERYWHERE),
    Entry("POST", "/setup/zones/remove", remove_zone, Verb.SET_UP, Where.EVERYWHERE),
    Entry("POST", "/setup/holidays", add_holiday, Verb.SET_UP, Where.EVERYWHERE),
    Entry("POST", "/setup/holidays/remove", remove_holiday, Verb.SET_UP, Where.EVERYWHERE),
)
