"""Updates on their way through the fleet, wave after wave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import select

from edge.fleet.database.tables import devices, rollouts, updates
from edge.fleet.web.entry import Entry
from edge.fleet.web.roles import Verb
from edge.link.payloads import RolloutPlan, UpdateReported, from_json

if TYPE_CHECKING:
    from starlette.responses import Response

    from edge.fleet.web.visit import Visit

SHOWN = 5


def overview(visit: Visit) -> Response:
    """The newest roll-outs; of the doors, those that the operator may see."""
    run = visit.connection.execute
    names = {
        row.id: row.name for row in run(select(devices.c.id, devices.c.name).where(visit.visible()))
    }
    rows = run(select(rollouts).order_by(rollouts.c.version.desc()).limit(SHOWN)).all()
    reports = {
        row.device: from_json(UpdateReported, row.reported)
        for row in run(select(updates))
        if row.device in names
    }
    plans = [(row, from_json(RolloutPlan, row.plan)) for row in rows]
    return visit.page("rollouts.html", plans=plans, names=names, reports=reports)


ENTRIES = (Entry("GET", "/rollouts", overview, Verb.SEE),)
