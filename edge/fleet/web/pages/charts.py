"""Charts: drawn in the browser from figures of this host."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from sqlalchemy import select
from starlette.responses import JSONResponse

from edge.errors import UsageError
from edge.fleet.collector.news import SLOT_S
from edge.fleet.database.tables import devices, events, figures
from edge.fleet.text import detail_of, number
from edge.fleet.web.entry import Entry
from edge.fleet.web.roles import Verb

if TYPE_CHECKING:
    from starlette.responses import Response

    from edge.fleet.web.visit import Visit

SPANS = {"24h": 24, "7d": 168, "30d": 720}
_MOST_POINTS = 5000
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
            "outcomes": _outcomes(visit, since, chosen),
            "similarity": _similarity(visit, since, chosen),
            "figures": _measured(visit, since, chosen),
        }
    )


def _outcomes(visit: Visit, since: float, chosen: str | None) -> dict[str, list[float]]:
    first = int(since // _HOUR_S)
    hours = range(first, int(visit.now // _HOUR_S) + 1)
    counts: dict[str, list[float]] = {kind: [0] * len(hours) for kind in _OUTCOMES}
    rows = select(events.c.at, events.c.type).join(devices, devices.c.id == events.c.device)
    wanted = (visit.visible(), events.c.at >= since, events.c.at <= visit.now)
    rows = rows.where(*wanted, events.c.type.in_(_OUTCOMES))
    for row in visit.connection.execute(_of(rows, chosen, events.c.device)):
        counts[row.type][int(row.at // _HOUR_S) - first] += 1
    return {"at": [hour * _HOUR_S for hour in hours], **counts}


def _similarity(visit: Visit, since: float, chosen: str | None) -> dict[str, list[float | None]]:
    rows = select(events.c.at, events.c.body).join(devices, devices.c.id == events.c.device)
    wanted = (visit.visible(), events.c.at >= since, events.c.type.in_(_OUTCOMES))
    rows = rows.where(*wanted).order_by(events.c.at.desc()).limit(_MOST_POINTS)
    found: dict[str, list[float | None]] = {"at": [], "similarity": [], "threshold": []}
    for row in reversed(visit.connection.execute(_of(rows, chosen, events.c.device)).all()):
        detail = detail_of(row.body)
        similarity = number(detail.get("similarity"))
        if similarity is not None:
            found["at"].append(row.at)
            found["similarity"].append(similarity)
            found["threshold"].append(number(detail.get("threshold")))
    return found


def _measured(visit: Visit, since: float, chosen: str | None) -> dict[str, list[float | None]]:
    """The mean over the doors of each five minutes."""
    rows = select(figures).join(devices, devices.c.id == figures.c.device)
    rows = rows.where(visit.visible(), figures.c.slot >= since / SLOT_S).order_by(figures.c.slot)
    slots: dict[int, list[dict[str, float]]] = {}
    for row in visit.connection.execute(_of(rows, chosen, figures.c.device)):
        slots.setdefault(row.slot, []).append(json.loads(row.body))
    found: dict[str, list[float | None]] = {"at": [slot * SLOT_S for slot in slots]}
    for name in _FIGURES:
        found[name] = [
            _mean([each[name] for each in slot if each.get(name) is not None])
            for slot in slots.values()
        ]
    return found


def _mean(values: list[float]) -> float | None:
    return round(sum(values) / len(values), 2) if values else None


def _of(rows: Any, chosen: str | None, column: Any) -> Any:
    return rows.where(column == chosen) if chosen else rows


ENTRIES = (
    Entry("GET", "/charts", charts, Verb.SEE),
    Entry("GET", "/charts/data", data, Verb.SEE),
)
