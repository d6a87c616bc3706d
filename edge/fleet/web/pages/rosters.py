"""People from the centre: whom each door should know, and how far it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, select

from edge.fleet.database.tables import devices, members, roster_pages, rosters
from edge.fleet.kinds import Presence
from edge.fleet.rosters import Place, places, read, standing
from edge.fleet.web.entry import Entry
from edge.fleet.web.roles import Verb
from edge.fleet.web.tiles import read_tiles
from edge.names import folded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.responses import Response

    from edge.fleet.database.rows import RosterRow
    from edge.fleet.web.visit import Visit


def overview(visit: Visit) -> Response:
    """One row a door; with `find`, one a person and door."""
    rows = _rosters(visit)
    counted = {
        row.device: row.people
        for row in visit.connection.execute(
            select(roster_pages.c.device, func.sum(roster_pages.c.people).label("people")).group_by(
                roster_pages.c.device
            )
        )
    }
    tiles = {
        tile.id: tile
        for tile in read_tiles(visit.connection, visit.now, visit.visible(Verb.SEE_PEOPLE))
    }
    find = visit.query.get("find", "").strip()
    doors = [(row, *read(row), tiles[row.device].presence) for row in rows]
    return visit.page(
        "rosters.html",
        doors=[
            (row, wanted, report, there, standing(wanted, report, row.foreign, visit.now))
            for row, wanted, report, there in doors
        ],
        counted=counted,
        online=Presence.ONLINE,
        find=find,
        found=_find(visit, rows, find) if find else [],
    )


def roster(visit: Visit) -> Response:
    """One door: everybody it should know or have forgotten."""
    door = visit.door(Verb.SEE_PEOPLE)
    row = next((row for row in _rosters(visit) if row.device == door.id), None)
    wanted, report = read(row) if row else (None, None)
    return visit.page(
        "roster.html",
        door=door,
        report=report,
        wanted=wanted,
        stands=standing(wanted, report, row.foreign if row else "", visit.now),
        people=_people(visit, row) if row else [],
    )


def _rosters(visit: Visit) -> Sequence[RosterRow]:
    return visit.connection.execute(
        select(rosters, devices.c.name)
        .join(devices, devices.c.id == rosters.c.device)
        .where(visit.visible(Verb.SEE_PEOPLE))
        .order_by(devices.c.name)
    ).all()


def _people(visit: Visit, row: RosterRow) -> list[Place]:
    wanted, report = read(row)
    named = () if wanted is None else wanted.pages
    bodies = visit.connection.execute(
        select(roster_pages.c.body).where(
            roster_pages.c.device == row.device, roster_pages.c.hash.in_(named)
        )
    ).scalars()
    known = visit.connection.execute(
        select(members).where(members.c.device == row.device, members.c.number.is_not(None))
    ).all()
    return places(wanted, bodies, report, known, visit.now)


def _find(visit: Visit, rows: Sequence[RosterRow], name: str) -> list[tuple[RosterRow, Place]]:
    """A person's places, by a part of the name or the number."""
    wanted = folded(name)
    return [
        (row, place)
        for row in rows
        for place in _people(visit, row)
        if wanted in folded(place.name) or wanted == folded(place.number)
    ]


ENTRIES = (
    Entry("GET", "/rosters", overview, Verb.SEE_PEOPLE),
    Entry("GET", "/rosters/{door}", roster, Verb.SEE_PEOPLE),
)
