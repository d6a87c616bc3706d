"""What happened: filters, older and older, and all of it as CSV."""

from __future__ import annotations

import json
from datetime import date, datetime, time, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select, tuple_

from edge.errors import UsageError
from edge.fleet.database.tables import devices, events, groups
from edge.fleet.text import detail_of, local
from edge.fleet.web.entry import Entry
from edge.fleet.web.roles import Verb
from edge.fleet.web.spreadsheet import spreadsheet
from edge.link.payloads import MAX_SEQUENCE
from edge.link.topics import EVENT_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement
    from starlette.responses import Response

    from edge.fleet.database.rows import EventRow
    from edge.fleet.web.visit import Visit

A_PAGE = 100
MOST_ROWS = 200_000
_HEAD = ("time", "clock set", "door", "name", "type", "kind", "reason", "person", "detail", "seq")
_PLACE = (events.c.at, events.c.device, events.c.epoch, events.c.sequence)
_CHOSEN = {
    "door": events.c.device,
    "type": events.c.type,
    "person": events.c.person,
    "reason": events.c.reason,
}


def history(visit: Visit) -> Response:
    """One page of it, the newest first."""
    rows = _rows(visit, A_PAGE + 1)
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
        for row in _rows(visit, MOST_ROWS)
    )
    return spreadsheet("history", _HEAD, cells)


def stamp(seconds: float) -> str:
    """A moment as a spreadsheet reads it."""
    there = local(seconds)
    return there.isoformat(" ", "milliseconds") if there else ""


def _rows(visit: Visit, most: int) -> Sequence[EventRow]:
    """What the address asks for, the newest first."""
    return visit.connection.execute(
        select(events, devices.c.name)
        .join(devices, devices.c.id == events.c.device)
        .where(visit.visible(), *_wanted(visit.query))
        .order_by(*(column.desc() for column in _PLACE))
        .limit(most)
    ).all()


def _wanted(query: Mapping[str, str]) -> Iterator[ColumnElement[bool]]:
    for name, column in _CHOSEN.items():
        if query.get(name):
            yield column == query[name]
    if query.get("group"):
        yield devices.c.group_id == number(query, "group")
    if query.get("from"):
        yield events.c.at >= midnight(day(query, "from"))
    if query.get("to"):
        yield events.c.at < midnight(day(query, "to") + timedelta(days=1))
    if query.get("before"):
        yield _before(query["before"])


def midnight(day: date) -> float:
    """When a day begins in the host's time; not each lasts 24 hours, where summer time is kept."""
    return datetime.combine(day, time.min).astimezone().timestamp()


def day(query: Mapping[str, str], name: str) -> date:
    """A date of the address.

    Raises:
        UsageError: it is none.
    """
    try:
        return datetime.strptime(query[name], "%Y-%m-%d").astimezone().date()
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


def _before(place: str) -> ColumnElement[bool]:
    at, _, rest = place.partition("/")
    device, _, rest = rest.partition("/")
    epoch, _, sequence = rest.partition("/")
    try:
        there = (float(at), device, int(epoch), int(sequence))
    except ValueError as error:
        raise UsageError("before is no place in the history") from error
    if max(map(abs, there[2:])) > MAX_SEQUENCE:  # more than a database keeps
        raise UsageError("before is no place in the history")
    return tuple_(*_PLACE) < tuple_(*there)


ENTRIES = (
    Entry("GET", "/history", history, Verb.SEE),
    Entry("GET", "/history.csv", as_csv, Verb.SEE),
)
