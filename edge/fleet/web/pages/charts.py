"""Charts: drawn in the browser from figures of this host."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import Integer, cast, func, select, true
from starlette.responses import JSONResponse

from edge.errors import UsageError
from edge.fleet.database.tables import SLOT_S, devices, events, figures
from edge.fleet.text import detail_of, number
from edge.fleet.web.entry import Entry
from edge.fleet.web.roles import Verb

if TYPE_CHECKING:
    from sqlalchemy import Column, ColumnElement
    from starlette.responses import Response

    from edge.fleet.web.visit import Visit

SPANS = {"24h": 24, "7d": 168, "30d": 720}
_MOST_POINTS = 5000
_MOST_FIGURES = 200_000
_HOUR_S = 3600
_OUTCOMES = ("granted", "denied", "spoof")
_FIGURES = ("fps", "decision_ms", "temperature_c")


def charts(visit: Visit) -> Response:
    """The page."""
    doors = visit.connection.execute(
        select(devices.c.id, devices.c.name).where(visit.visible()).order_by(devices.c.name)
    ).all()
    chosen, span = visit.query.get("door", ""), visit.query.get("span", "24h")
    return visit.page("charts.html", doors=doors, chosen=chosen, span=span, spans=tuple(SPANS))


def data(visit: Visit) -> Response:
    """The figures behind it: outcomes an hour, similarities, and what doors measure."""
    hours = SPANS.get(visit.query.get("span", "24h"))
    if hours is None:
        raise UsageError(f"span is one of {', '.join(SPANS)}")
    since = visit.now - hours * _HOUR_S
    chosen = visit.query.get("door")
    return JSONResponse(
        {
            "span": [since, visit.now],
            "outcomes": _outcomes(visit, since, chosen),
            "similarity": _similarity(visit, since, chosen),
            "figures": _measured(visit, since, chosen),
        }
    )


def _outcomes(visit: Visit, since: float, chosen: str | None) -> dict[str, list[float]]:
    first = int(since // _HOUR_S)
    hours = range(first, int(visit.now // _HOUR_S) + 1)
    counts: dict[str, list[float]] = {kind: [0] * len(hours) for kind in _OUTCOMES}
    hour = cast(func.floor(events.c.at / _HOUR_S), Integer)
    rows = select(hour, events.c.type, func.count()).group_by(hour, events.c.type)
    rows = rows.join(devices, devices.c.id == events.c.device)
    wanted = (visit.visible(), events.c.at >= since, events.c.at <= visit.now)
    rows = rows.where(*wanted, events.c.type.in_(_OUTCOMES), _of(chosen, events.c.device))
    for at, kind, count in visit.connection.execute(rows):
        counts[kind][at - first] = count
    return {"at": [hour * _HOUR_S for hour in hours], **counts}


def _similarity(visit: Visit, since: float, chosen: str | None) -> dict[str, list[float | None]]:
    rows = select(events.c.at, events.c.body).join(devices, devices.c.id == events.c.device)
    wanted = (visit.visible(), events.c.at >= since, events.c.type.in_(_OUTCOMES))
    rows = rows.where(*wanted, _of(chosen, events.c.device))
    newest = rows.order_by(events.c.at.desc()).limit(_MOST_POINTS)
    found: dict[str, list[float | None]] = {"at": [], "similarity": [], "threshold": []}
    for row in reversed(visit.connection.execute(newest).all()):
        detail = detail_of(row.body)
        similarity = number(detail.get("similarity"))
        if similarity is not None:
            found["at"].append(row.at)
            found["similarity"].append(similarity)
            found["threshold"].append(number(detail.get("threshold")))
    return found


def _measured(visit: Visit, since: float, chosen: str | None) -> dict[str, list[float | None]]:
    """The mean over the doors of each slot; of many doors, of some of these."""
    count = select(func.count()).select_from(devices)
    count = count.where(visit.visible(), _of(chosen, devices.c.id))
    doors = visit.connection.execute(count).scalar_one()
    first, last = int(since // SLOT_S) + 1, int(visit.now // SLOT_S)
    slots = range(first, last + 1, max(1, doors * (last - first) // _MOST_FIGURES))
    rows = select(figures).join(devices, devices.c.id == figures.c.device)
    wanted = (visit.visible(), figures.c.slot.in_(slots), _of(chosen, figures.c.device))
    found: dict[int, dict[str, _Mean]] = {}
    for row in visit.connection.execute(rows.where(*wanted).order_by(figures.c.slot)):
        said = json.loads(row.body)
        means = found.setdefault(row.slot, {name: _Mean() for name in _FIGURES})
        for name, mean in means.items():
            mean.add(said.get(name))
    lines = {name: [means[name].value() for means in found.values()] for name in _FIGURES}
    return {"at": [slot * SLOT_S for slot in found], **lines}


class _Mean:
    """Of what comes one by one: all at once would be the memory of a host."""

    def __init__(self) -> None:
        self._sum = self._count = 0.0

    def add(self, figure: float | None) -> None:
        if figure is not None:
            self._sum += figure
            self._count += 1

    def value(self) -> float | None:
        return round(self._sum / self._count, 2) if self._count else None


def _of(chosen: str | None, door: Column[str]) -> ColumnElement[bool]:
    """The condition on the column that names doors."""
    return door == chosen if chosen else true()


ENTRIES = (
    Entry("GET", "/charts", charts, Verb.SEE),
    Entry("GET", "/charts/data", data, Verb.SEE),
)
