"""One door: how it is now, what happened there, what may be done."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from edge.errors import UsageError
from edge.fleet.database.tables import alarms, commands, devices, events, gaps, groups, keys, zones
from edge.fleet.kinds import AlarmKind
from edge.fleet.text import MAX_NAME
from edge.fleet.web.entry import Entry
from edge.fleet.web.roles import Verb
from edge.fleet.web.tiles import read_tiles
from edge.fleet.web.visit import NotAllowedError
from edge.ledger.chain import genesis
from edge.vocabulary import Action

if TYPE_CHECKING:
    from starlette.responses import Response

    from edge.fleet.web.visit import Visit

RECENT = 30


def door(visit: Visit) -> Response:
    """The door's page."""
    row = visit.door(Verb.SEE)
    (tile,) = read_tiles(visit.connection, visit.now, devices.c.id == row.id)
    run = visit.connection.execute
    recent = run(
        select(events, devices.c.name)
        .join(devices, devices.c.id == events.c.device)
        .where(events.c.device == row.id)
        .order_by(events.c.epoch.desc(), events.c.sequence.desc())
        .limit(RECENT)
    ).all()
    waiting = alarms.c.cleared.is_(None) | alarms.c.acknowledged.is_(None)
    return visit.page(
        "door.html",
        door=row,
        tile=tile,
        states=json.loads(row.states),
        reported=json.loads(row.reported),
        metrics=json.loads(row.metrics),
        recent=recent,
        alarms=run(select(alarms).where(alarms.c.device == row.id, waiting)).all(),
        gaps=run(select(gaps).where(gaps.c.device == row.id)).all(),
        sent=run(
            select(commands, devices.c.name)
            .join(devices, devices.c.id == commands.c.device)
            .where(commands.c.device == row.id)
            .order_by(commands.c.at.desc())
            .limit(RECENT)
        ).all(),
        groups=run(select(groups).order_by(groups.c.name)).all(),
        zones=run(select(zones).order_by(zones.c.name)).all(),
        actions=[action.value for action in Action],
        keys=run(select(keys).where(keys.c.operator_id == visit.operator.number)).all(),
        rights=visit.operator.rights,
        Verb=Verb,
    )


def set_up(visit: Visit) -> Response:
    """Its name, group and zones."""
    row = visit.door(Verb.SET_UP)
    name, group = visit.text("name", MAX_NAME), visit.number("group")
    if group != row.group_id and not visit.operator.rights.may(Verb.SET_UP, group):
        raise NotAllowedError
    values = {
        "name": name,
        "group_id": group,
        "from_zone": visit.number("from_zone"),
        "to_zone": visit.number("to_zone"),
    }
    changed = update(devices).where(devices.c.id == row.id).values(**values, batch=visit.batch)
    try:
        with visit.connection.begin_nested():
            visit.connection.execute(changed)
    except IntegrityError as error:
        raise UsageError("there is no such group or zone any more: load the page again") from error
    visit.note(Verb.SET_UP.value, row.id, json.dumps(values))
    return visit.back(f"/doors/{row.id}")


def accept(visit: Visit) -> Response:
    """The door's ledger was begun anew, and that is right: a new epoch begins."""
    row = visit.door(Verb.ACCEPT_LEDGER)
    note = visit.text("note")
    ours = devices.c.id == row.id
    anew = {"epoch": row.epoch + 1, "whole": 0, "chain": genesis(row.id), "signed": 0}
    visit.connection.execute(
        update(devices).where(ours).values(**anew, audit_key="", gap_since=None, batch=visit.batch)
    )
    broken = (alarms.c.device == row.id, alarms.c.kind == AlarmKind.CHAIN_BROKEN.value)
    seen = {
        "acknowledged": visit.now,
        "acknowledged_by": visit.operator.name,
        "note": note,
        "batch": visit.batch,
    }
    over = alarms.c.cleared.is_(None)
    visit.connection.execute(update(alarms).where(*broken, over).values(cleared=visit.now))
    unseen = alarms.c.acknowledged.is_(None)
    visit.connection.execute(update(alarms).where(*broken, unseen).values(**seen))
    visit.note(Verb.ACCEPT_LEDGER.value, row.id, note)
    return visit.back(f"/doors/{row.id}")


ENTRIES = (
    Entry("GET", "/doors/{door}", door, Verb.SEE),
    Entry("POST", "/doors/{door}/set-up", set_up, Verb.SET_UP),
    Entry("POST", "/doors/{door}/accept", accept, Verb.ACCEPT_LEDGER),
)
