"""How templates show moments and names."""

from __future__ import annotations

import json
from datetime import datetime

from markupsafe import Markup

from edge.fleet.kinds import TITLES, AlarmKind
from edge.fleet.text import clean

_LONGEST = 80
_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def moment(seconds: float | None) -> Markup:
    """Date and time, local to the host, for people and machines."""
    return _time(seconds, "%Y-%m-%d %H:%M:%S")


def clock(seconds: float | None) -> Markup:
    """Time of day alone."""
    return _time(seconds, "%H:%M:%S")


def ago(seconds: float) -> str:
    """`seconds` ago, roughly."""
    for size, word in ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {word}"
    return f"{max(0, seconds):.0f} s"


def words(value: str) -> str:
    """`held_open` as people read it."""
    return value.replace("_", " ")


def alarm_title(kind: str) -> str:
    """What an alarm is called."""
    return TITLES[AlarmKind(kind)]


def local(seconds: float) -> datetime | None:
    """The moment in the host's time zone; None when a calendar has no such day."""
    try:
        return datetime.fromtimestamp(seconds).astimezone()
    except (OverflowError, ValueError, OSError, TypeError):  # a door may say anything
        return None


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
    detail = json.loads(body).get("detail")
    return clean(detail.get("before", ""), _LONGEST) if isinstance(detail, dict) else ""


FILTERS = {
    "moment": moment,
    "clock": clock,
    "ago": ago,
    "before": before,
    "words": words,
    "alarm_title": alarm_title,
}
