"""How the fleet itself is: versions, models, certificates, outboxes, clocks, collectors."""

from __future__ import annotations

import json
from collections import Counter
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

A_PAGE = 500


def health(visit: Visit) -> Response:
    """What runs where, and one row a door, those in trouble first."""
    run = visit.connection.execute
    wanted = [
        tile
        for tile in read_tiles(visit.connection, visit.now, visit.visible())
        if tile.is_wanted(visit.query)
    ]
    rows = {row.id: row for row in run(select(devices).where(visit.visible()))}
    said = {tile.id: json.loads(rows[tile.id].reported) for tile in wanted}
    versions = Counter(str(each.get("version", "unknown")) for each in said.values())
    return visit.page(
        "health.html",
        doors=[
            (rows[tile.id], tile, said[tile.id], json.loads(rows[tile.id].metrics))
            for tile in wanted[:A_PAGE]
        ],
        more=len(wanted) - A_PAGE,
        versions=versions.most_common(20),
        collectors=run(select(collectors).order_by(collectors.c.name)).all(),
        fresh_s=COLLECTOR_FRESH_S,
    )


ENTRIES = (Entry("GET", "/health", health, Verb.SEE),)
