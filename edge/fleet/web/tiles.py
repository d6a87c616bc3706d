"""A door as the wall shows it: one value, equal while nothing to be seen has changed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import select

from edge.fleet.database.tables import alarms, collectors, devices, groups
from edge.fleet.kinds import AlarmKind, Presence
from edge.fleet.presence import COLLECTOR_FRESH_S, presence
from edge.names import folded

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement, Connection

_SEVERITY = {kind.value: rank for rank, kind in enumerate(AlarmKind)}
_ORDER = {word: rank for rank, word in enumerate(reversed(Presence))}


@dataclass(frozen=True, slots=True)
class Tile:
    """One door on the wall."""

    id: str
    name: str
    group: int | None
    group_name: str
    presence: Presence
    lock: str
    """LOCKED, UNLOCKED, OPEN, ...; empty while nobody knows."""
    contact: str
    """ON is open, OFF closed; empty while nobody knows."""
    alarms: tuple[str, ...]
    """Kinds that stand or wait to be acknowledged, the worst first."""

    @property
    def trouble(self) -> bool:
        """Whether somebody should look at it."""
        return bool(self.alarms) or self.presence is not Presence.ONLINE

    def is_wanted(self, query: Mapping[str, str]) -> bool:
        """Whether it is what a page's `find`, `group` and `show` ask for."""
        find = folded(query.get("find", ""))
        group, show = query.get("group", ""), query.get("show", "")
        return (
            (not find or find in folded(self.name) or find in folded(self.id))
            and (not group or str(self.group) == group)
            and (not show or show == self.presence.value or (show == "alarm" and bool(self.alarms)))
        )

    @property
    def rank(self) -> tuple[int, int, str]:
        """For sorting: alarms first, by what is worst; then who is not online; then by name."""
        worst = min((_SEVERITY[kind] for kind in self.alarms), default=len(_SEVERITY))
        return worst, _ORDER[self.presence], self.name.casefold()


class _Row(Protocol):
    """What `read_tiles` selects."""

    id: str
    name: str
    group_id: int | None
    available: str
    states: str
    heard: float
    group_name: str | None


def read_tiles(connection: Connection, now: float, which: ColumnElement[bool]) -> list[Tile]:
    """The doors that `which`, a condition on `devices`, picks; in the order of the wall."""
    listened = _anybody_listens(connection, now)
    waiting = alarms.c.cleared.is_(None) | alarms.c.acknowledged.is_(None)
    kinds: dict[str, set[str]] = {}
    for device, kind in connection.execute(select(alarms.c.device, alarms.c.kind).where(waiting)):
        kinds.setdefault(device, set()).add(kind)
    rows = connection.execute(
        select(
            devices.c.id,
            devices.c.name,
            devices.c.group_id,
            devices.c.available,
            devices.c.states,
            devices.c.heard,
            groups.c.name.label("group_name"),
        )
        .join(groups, devices.c.group_id == groups.c.id, isouter=True)
        .where(which)
    )
    found = [_tile(row, kinds.get(row.id, set()), now, listened=listened) for row in rows]
    return sorted(found, key=lambda tile: tile.rank)


def _anybody_listens(connection: Connection, now: float) -> bool:
    """Whether any collector is connected to its broker."""
    seen = collectors.c.seen.between(now - COLLECTOR_FRESH_S, now + COLLECTOR_FRESH_S)
    fresh = (collectors.c.connected, seen)  # from later than that: the clock was ahead then
    return connection.execute(select(collectors.c.name).where(*fresh)).first() is not None


def _tile(row: _Row, kinds: set[str], now: float, *, listened: bool) -> Tile:
    states = json.loads(row.states)
    there = presence(row.available, states, row.heard, now) if listened else Presence.UNKNOWN
    known = there is Presence.ONLINE  # the last word of a door that is gone is not how it is now
    return Tile(
        id=row.id,
        name=row.name,
        group=row.group_id,
        group_name=row.group_name or "",
        presence=there,
        lock=_word(states.get("lock/state")) if known else "",
        contact=_word(states.get("door/contact")) if known else "",
        alarms=tuple(sorted(kinds, key=lambda kind: _SEVERITY[kind])),
    )


def _word(state: str | None) -> str:
    return "" if state in (None, "None") else str(state)
