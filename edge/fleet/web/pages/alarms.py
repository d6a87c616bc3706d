"""Alarms: those that stand or wait to be seen first; acknowledged one by one or many at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import or_, select, update

from edge.errors import UsageError
from edge.fleet.database.tables import alarms, devices
from edge.fleet.web.entry import Entry
from edge.fleet.web.roles import Verb
from edge.fleet.web.visit import MAX_DIGITS

if TYPE_CHECKING:
    from starlette.responses import Response

    from edge.fleet.web.visit import Visit

A_PAGE = 300


def listed(visit: Visit) -> Response:
    """The list; `?all=1` shows the past too."""
    past = visit.query.get("all") == "1"
    waiting = or_(alarms.c.cleared.is_(None), alarms.c.acknowledged.is_(None))
    wanted = (visit.visible(), *(() if past else (waiting,)))
    rows = visit.connection.execute(
        select(alarms, devices.c.name, devices.c.group_id)
        .join(devices, devices.c.id == alarms.c.device)
        .where(*wanted)
        .order_by(alarms.c.acknowledged.is_(None).desc(), alarms.c.raised.desc())
        .limit(A_PAGE)
    ).all()
    rights = visit.operator.rights
    mine = {row.id for row in rows if rights.may(Verb.ACKNOWLEDGE, row.group_id)}
    return visit.page("alarms.html", alarms=rows, past=past, mine=mine)


def acknowledge(visit: Visit) -> Response:
    """Somebody has seen these, and says what was done."""
    chosen = visit.form.get("alarm", [])
    if not chosen or not all(map(_is_number, chosen)):
        raise UsageError("choose at least one alarm")
    note = visit.text("note", needed=False)
    ours = select(alarms.c.id).join(devices, devices.c.id == alarms.c.device)
    allowed = visit.connection.execute(
        ours.where(alarms.c.id.in_([int(each) for each in chosen]), visit.visible(Verb.ACKNOWLEDGE))
    ).scalars()
    numbers = list(allowed)
    visit.connection.execute(
        update(alarms)
        .where(alarms.c.id.in_(numbers), alarms.c.acknowledged.is_(None))
        .values(
            acknowledged=visit.now,
            acknowledged_by=visit.operator.name,
            note=note,
            batch=visit.batch,
        )
    )
    visit.note(Verb.ACKNOWLEDGE.value, ", ".join(map(str, sorted(numbers))), note or "no note")
    return visit.back("/alarms")


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= MAX_DIGITS


ENTRIES = (
    Entry("GET", "/alarms", listed, Verb.SEE),
    Entry("POST", "/alarms/acknowledge", acknowledge, Verb.ACKNOWLEDGE),
)
