"""Who may pass when: weekly windows in local time.

    {"*": ["mon-fri 07:00-19:00"], "Anna": ["always"], "Bo": ["fri-sun 22:00-06:00"]}

A window that ends before it begins crosses midnight and belongs to the day it begins on; one that
ends at 24:00 ends with its day. Who is not named follows `*`; without `*`, they may always pass.
Windows are wall-clock times: the hour that a change to summer time skips or repeats is skipped or
repeated with them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone, tzinfo
from enum import Enum
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from edge.moment import Latest
from edge.names import EVERYBODY, folded
from edge.records import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from edge.moment import Moment

_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY_MINUTES = 24 * 60
_WINDOW = re.compile(r"(\S+) +(\d{1,2}):(\d\d) *- *(\d{1,2}):(\d\d)", re.ASCII)


class Verdict(str, Enum):
    """May this person pass now?"""

    ALLOWED = "allowed"
    OUTSIDE = "outside"
    CLOCK_UNTRUSTED = "clock_untrusted"
    LAPSED = "lapsed"
    RESTORED = "restored"
    """From the centre, at a door that has not heard from the centre since it was restored."""


OBJECTIONS = {
    Verdict.OUTSIDE: Reason.OUTSIDE_SCHEDULE,
    Verdict.CLOCK_UNTRUSTED: Reason.CLOCK_UNTRUSTED,
    Verdict.LAPSED: Reason.LAPSED,
    Verdict.RESTORED: Reason.RESTORED,
}
"""Why somebody who is not allowed may not pass."""


@dataclass(frozen=True, slots=True)
class Window:
    """A part of each of some weekdays: minutes from the day's midnight, `end` not included."""

    days: frozenset[int]
    """Monday is 0."""
    start: int
    end: int
    """More than a day's minutes when the window crosses midnight."""

    def holds(self, day: int, minute: int) -> bool:
        """Whether the minute of that weekday lies inside."""
        yesterday = (day - 1) % len(_DAYS)
        return (day in self.days and self.start <= minute < self.end) or (
            yesterday in self.days and minute + _DAY_MINUTES < self.end
        )


@dataclass(frozen=True, slots=True)
class Schedule:
    """Windows by person (None: always) and the local time zone (None: the system's)."""

    windows: Mapping[str, tuple[Window, ...] | None]
    zone: tzinfo | None = None
    doubtful: frozenset[str] = frozenset()
    """Folded names of people who may not pass by being unnamed: see `doubting`."""
    latest: Latest = field(default_factory=Latest)
    """By which a clock that was set back is told."""

    def doubting(self, newcomers: Iterable[str]) -> Schedule:
        """While a name in the table is nobody's, one of `newcomers` may be who it means."""
        return replace(self, doubtful=frozenset(map(folded, newcomers)))

    def verdict(self, person: str, now: Moment) -> Verdict:
        """May `person` pass? Names are compared as `edge.names.folded` has them."""
        name = folded(person)
        if name in self.doubtful and name not in self.windows:
            return Verdict.OUTSIDE
        windows = self.windows.get(name, self.windows.get(EVERYBODY))
        if windows is None:
            return Verdict.ALLOWED
        if not now.wall_trusted:
            return Verdict.CLOCK_UNTRUSTED
        local = datetime.fromtimestamp(now.wall, timezone.utc).astimezone(self.zone)
        minute = local.hour * 60 + local.minute
        inside = any(window.holds(local.weekday(), minute) for window in windows)
        return Verdict.ALLOWED if inside else Verdict.OUTSIDE


def parse(table: Mapping[str, Sequence[str]], zone: str | None = None) -> Schedule:
    """Read the configuration's table and the name of its time zone.

    Raises:
        ValueError: a window or the zone is not one; says which.
    """
    by_name: dict[str, tuple[Window, ...] | None] = {}
    for person, lines in table.items():
        if folded(person) in by_name:
            raise ValueError(f"schedule.{person}: stands there twice, written differently")
        try:
            by_name[folded(person)] = windows(lines)
        except ValueError as error:
            raise ValueError(f"schedule.{person}: {error}") from error
    return Schedule(by_name, None if zone is None else zone_of(zone))


def windows(lines: Sequence[str]) -> tuple[Window, ...] | None:
    """One entry of the table; None: always.

    Raises:
        ValueError: a line is no window.
    """
    if "always" in lines:
        if len(lines) > 1:
            raise ValueError('"always" stands alone')
        return None
    return tuple(_window(line) for line in lines)


def _window(line: str) -> Window:
    found = _WINDOW.fullmatch(line.strip().lower().replace("\u2013", "-"))  # as editors write it
    if not found:
        raise ValueError(
            f'{line!r} is not like "mon-fri 07:00-19:00", "daily 6:00-22:00", "always"'
        )
    days, *clock = found.groups()
    start = _minutes(line, *clock[:2])
    end = _minutes(line, *clock[2:])
    if start in (end, _DAY_MINUTES):
        raise ValueError(f"{line!r} is empty; the whole day is 00:00-24:00")
    return Window(_days(line, days), start, end if end > start else end + _DAY_MINUTES)


def _minutes(line: str, hours: str, minutes: str) -> int:
    total = int(hours) * 60 + int(minutes)
    if int(minutes) >= 60 or total > _DAY_MINUTES:
        raise ValueError(f"{line!r}: there is no time {hours}:{minutes}")
    return total


def _days(line: str, text: str) -> frozenset[int]:
    if text == "daily":
        return frozenset(range(len(_DAYS)))
    days: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        try:
            begin, end = _DAYS.index(first), _DAYS.index(last or first)
        except ValueError:
            raise ValueError(f"{line!r}: days are {' '.join(_DAYS)} or daily") from None
        span = (end - begin) % len(_DAYS)  # sat-mon goes over the weekend
        days.update((begin + step) % len(_DAYS) for step in range(span + 1))
    return frozenset(days)


def zone_of(name: str) -> tzinfo:
    """A time zone by its name.

    Raises:
        ValueError: this system has none of that name.
    """
    try:
        return ZoneInfo(name)
    except (ValueError, OSError, KeyError) as error:
        raise ValueError(
            f"there is no time zone {name!r} here. Use a name such as "
            '"Europe/Berlin"; the list comes with the system package tzdata.'
        ) from error
