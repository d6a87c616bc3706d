"""Text, JSON and moments from elsewhere, made harmless. Pure."""

from __future__ import annotations

import json
import math
from datetime import datetime

MAX_NAME = 80
"""Characters of a name, of whatever it be: what the columns take, with room beyond a person's."""
MAX_TEXT = 400
"""Of a sentence, in the same way."""
_DEEPEST = 4
_LONGEST = 400
_LARGEST = 1e15
_MINUTE_S, _HOUR_S, DAY_S = 60, 3600, 86400


def clean(value: object, limit: int) -> str:
    """Text that every database and page takes: no lone surrogates, no control characters."""
    whole = str(value).encode("utf-8", "replace").decode()
    return "".join(sign if sign.isprintable() else "?" for sign in whole)[:limit]


def number(value: object) -> float | None:
    """A number that pages can reckon with and JSON can hold; None for everything else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Compared before anything is made of it: an int may be too large for a float.
    return value if -_LARGEST <= value <= _LARGEST and not math.isnan(value) else None


def plain(value: object, depth: int = _DEEPEST) -> object:
    """A value of JSON with short printable texts and finite numbers, not too deep."""
    if isinstance(value, str):
        return clean(value, _LONGEST)
    if isinstance(value, dict) and depth:
        return {clean(key, _LONGEST): plain(each, depth - 1) for key, each in value.items()}
    if isinstance(value, list) and depth:
        return [plain(each, depth - 1) for each in value]
    return value if isinstance(value, bool) else number(value)


def detail_of(body: str) -> dict[str, object]:
    """What an event's stored body says beside the usual; harmless."""
    found = plain(json.loads(body).get("detail"))
    return found if isinstance(found, dict) else {}


def local(seconds: float) -> datetime | None:
    """The moment in the host's time zone; None when a calendar has no such day."""
    try:
        return datetime.fromtimestamp(seconds).astimezone()
    except (OverflowError, ValueError, OSError, TypeError):  # a door may say anything
        return None


def ago(seconds: float) -> str:
    """How long that is, roughly, for people."""
    for size, word in ((DAY_S, "d"), (_HOUR_S, "h"), (_MINUTE_S, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {word}"
    return f"{max(0, seconds):.0f} s"
