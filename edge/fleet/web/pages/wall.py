"""All doors at a glance, what is wrong first."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sqlalchemy import select

from edge.fleet.database.tables import devices, events, groups
from edge.fleet.kinds import Presence
from edge.fleet.web.entry import Entry
from edge.fleet.web.roles import Verb
from edge.fleet.web.tiles import read_tiles

if TYPE_CHECKING:
    from starlette.responses import Response

    from edge.fleet.web.visit import Visit

A_PAGE = 1000
RECENT = 12


def wall(visit: Visit) -> Response:
    """The wall."""
    every = read_tiles(visit.connection, visit.now, visit.visible())
    wanted = [tile for tile in every if tile.is_wanted(visit.query)]
    names = visit.connection.execute(select(groups).order_by(groups.c.name)).all()
    seen = {tile.group for tile in every}
    recent = visit.connection.execute(
        select(events, devices.c.name)
        .join(devices, devices.c.id == events.c.device)
        .where(visit.visible())
        .order_by(events.c.batch.desc(), events.c.at.desc())  # a clock that is ahead is no news
        .limit(RECENT)
    ).all()
    return visit.page(
        "wall.html",
        tiles=wanted[:A_PAGE],
        more=len(wanted) - A_PAGE,
        counts=Counter(tile.presence.value for tile in every),
        alarmed=sum(bool(tile.alarms) for tile in every),
        total=len(every),
        groups=[group for group in names if group.id in seen],
        presences=[each.value for each in Presence],
        recent=recent,
    )


ENTRIES = (Entry("GET", "/", wall, Verb.SEE),)
