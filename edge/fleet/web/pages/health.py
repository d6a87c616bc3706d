"""How the fleet itself is: versions, models, certificates, outboxes, clocks, collectors."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import select

from edge.fleet.database.tables import collectors, devices
from edge.fleet.presence import COLLECTOR_FRESH_S
from edge.fleet.web.entry import Entry
from edge.fleet.web.roles import Verb
from edge.fleet.web.tiles import read_tiles

if TYPE_CHECKING:
    from starlette.responses import Response

    from edge.fleet.web.visit import Visit


def health(visit: Visit) -> Response:
    """One row a door."""
    run = visit.connection.execute
    tiles = {tile.id: tile for tile in read_tiles(visit.connection, visit.now, visit.visible())}
    rows = run(select(devices).where(visit.visible()).order_by(devices.c.name)).all()
    doors = [
        (row, tiles[row.id], json.loads(row.reported), json.loads(row.metrics)) for row in rows
    ]
    return visit.page(
        "health.html",
        doors=doors,
        collectors=run(select(collectors).order_by(collectors.c.name)).all(),
        fresh_s=COLLECTOR_FRESH_S,
    )


ENTRIES = (Entry("GET", "/health", health, Verb.SEE),)
