"""How templates show moments and names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from markupsafe import Markup

from edge.fleet.kinds import TITLES, AlarmKind
from edge.fleet.text import MAX_NAME, ago, clean, detail_of, local
from edge.words import ordered

if TYPE_CHECKING:
    from edge.fleet.database.rows import EventRow


def moment(seconds: float | None) -> Markup:
    """Date and time, local to the host, for people and machines."""
    return _time(seconds, "%Y-%m-%d %H:%M:%S")


def clock(seconds: float | None) -> Markup:
    """Time of day alone."""
    return _time(seconds, "%H:%M:%S")


def words(value: str) -> str:
    """`held_open` as people read it."""
    return value.replace("_", " ")


def happened(event: EventRow) -> str:
    """What an event says: of a command, what it asked for."""
    return ordered(event.reason, detail_of(event.body)) or words(event.reason)


def alarm_title(kind: str) -> str:
    """What an alarm is called."""
    return TITLES[AlarmKind(kind)]


def _time(seconds: float | None, layout: str) -> Markup:
    if seconds is None:
        return Markup("&ndash;")
    there = local(seconds)
    if there is None:
        return Markup("?")
    stamp = there.isoformat("T", "milliseconds")
    return Markup('<time datetime="{}">{}</time>').format(stamp, there.strftime(layout))


def before(body: str) -> str:
    """What somebody was called before, of an event that says so."""
    return clean(detail_of(body).get("before", ""), MAX_NAME)


FILTERS = {
    "moment": moment,
    "clock": clock,
    "ago": ago,
    "before": before,
    "happened": happened,
    "words": words,
    "alarm_title": alarm_title,
}
