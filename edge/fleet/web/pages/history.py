"""What happened: filters, older and older, and all of it as CSV."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, tuple_

from edge.errors import UsageError
from edge.fleet.database.tables import devices, events, groups
from edge.fleet.text import detail_of, local
from edge.fleet.web.entry import Entry
from edge.fleet.web.roles import Verb
from edge.fleet.web.spreadsheet import spreadsheet
from edge.link.topics import EVENT_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import Select
    from starlette.responses import Response

    from edge.fleet.web.visit import Visit

A_PAGE = 100
MOST_ROWS = 200_000
_HEAD = ("time", "clock set", "door", "name", "type", "kind", "reason", "person", "detail", "seq")


def history(visit: Visit) -> Response:
    """One page of it, the newest first."""
    rows = visit.connection.execute(_wanted(visit).limit(A_PAGE + 1)).all()
    doors = visit.connection.execute(
        select(devices.c.id, devices.c.name).where(visit.visible()).order_by(devices.c.name)
    ).all()
    older = ""
    if len(rows) > A_PAGE:
        last = rows[A_PAGE - 1]
        older = f"{last.at!r}/{last.device}/{last.epoch}/{last.sequence}"
    return visit.page(
        "history.html",
        events=rows[:A_PAGE],
        older=older,
        doors=doors,
        groups=visit.connection.execute(select(groups).order_by(groups.c.name)).all(),
        types=EVENT_TYPES,
        query=dict(visit.query),
    )


def as_csv(visit: Visit) -> Response:
    """The same choice as a file."""
    rows = visit.connection.execute(_wanted(visit).limit(MOST_ROWS)).all()
    cells = (
        (
            stamp(row.at),
            row.trusted,
            row.device,
            row.name,
            row.type,
            row.kind,
            row.reason,
            row.person,
            json.dumps(detail_of(row.body)),
            row.sequence,
        )
        for row in rows
    )
    return spreadsheet("history", _HEAD, cells)


def stamp(seconds: float) -> str:
    """A moment as a spreadsheet reads it."""
    there = local(seconds)
    return there.isoformat(" ", "milliseconds") if there else ""


def _wanted(visit: Visit) -> Select[Any]:
    query = visit.query
    found = (
        select(events, devices.c.name)
        .join(devices, devices.c.id == events.c.device)
        .where(visit.visible())
        .order_by(
            events.c.at.desc(),
            events.c.device.desc(),
            events.c.epoch.desc(),
            events.c.sequence.desc(),
        )
    )
    for name, column in (
        ("door", events.c.device),
        ("type", events.c.type),
        ("person", events.c.person),
        ("reason", events.c.reason),
    ):
        if query.get(name):
            found = found.where(column == query[name])
    if query.get("group"):
        found = found.where(devices.c.group_id == number(query, "group"))
    if query.get("from"):
        found = found.where(events.c.at >= day(query, "from").timestamp())
    if query.get("to"):
        found = found.where(events.c.at < day(query, "to").timestamp() + 86400)
    if query.get("before"):
        found = found.where(_before(query["before"]))
    return found


def day(query: Mapping[str, str], name: str) -> datetime:
    """A date of the address, midnight in the host's time.

    Raises:
        UsageError: it is none.
    """
    try:
        return datetime.strptime(query[name], "%Y-%m-%d").astimezone()
    except (ValueError, OverflowError, KeyError) as error:
        raise UsageError(f"{name}: write a date such as 2026-03-01") from error


def number(query: Mapping[str, str], name: str) -> int:
    """A number of the address.

    Raises:
        UsageError: it is none.
    """
    value = query.get(name, "")
    if not (value.isascii() and value.isdigit() and len(value) < 10):
        raise UsageError(f"{name} is not a number")
    return int(value)


def _before(place: str) -> Any:
    at, _, rest = place.partition("/")
    device, _, rest = rest.partition("/")
    epoch, _, sequence = rest.partition("/")
    try:
        there = (float(at), device, int(epoch), int(sequence))
    except ValueError as error:
        raise UsageError("before is no place in the history") from error
    columns = (events.c.at, events.c.device, events.c.epoch, events.c.sequence)
    return tuple_(*columns) < tuple_(*there)


ENTRIES = (
    Entry("GET", "/history", history, Verb.SEE),
    Entry("GET", "/history.csv", as_csv, Verb.SEE),
)
