"""Where people are and what they may: kept from the grants and enrolments that doors report."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from edge.fleet.database.many import put
from edge.fleet.database.tables import devices, members, whereabouts, zones
from edge.fleet.kinds import AlarmKind
from edge.fleet.text import MAX_NAME, clean
from edge.link.topics import GRANTED
from edge.records import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from edge.fleet.collector.alarms import Alarms
    from edge.fleet.collector.reading import Arrival
    from edge.fleet.database.rows import DoorRow

_TOLD_WITHIN_S = 5.0
"""So soon after a grant a door says that it did not open. Later it had let nobody in: a card of
somebody who is inside, held to a door without its guard, says nothing of where they are."""


class People:
    """Follows people through the zones, within one transaction; `save` writes it down."""

    def __init__(
        self, connection: Connection, alarms: Alarms, arrivals: Iterable[Arrival], now: float
    ) -> None:
        """`arrivals`: all that may be followed."""
        self._connection = connection
        self._now = now
        self._alarms = alarms
        names = {arrival.person for arrival in arrivals} | set(map(_before, arrivals))
        found = select(whereabouts).where(whereabouts.c.person.in_(names))
        self._where = {row.person: (row.zone_id, row.since) for row in connection.execute(found)}
        self._moves: dict[str, dict[str, object]] = {}
        self._gone: set[str] = set()  # who is called otherwise now
        self._members: dict[tuple[str, str], dict[str, object]] = {}

    def follow(self, arrival: Arrival, door: DoorRow) -> None:
        """Take an event into account. `door` is its row of `devices`."""
        if arrival.person is None:
            return
        member = self._members.setdefault((arrival.device, arrival.person), {})
        at = arrival.when(self._now)
        if arrival.type == GRANTED:
            member["last_used"] = at
            if door.from_zone != door.to_zone:
                self._passed(arrival, arrival.person, door)
        elif arrival.reason == Reason.DOOR_UNAVAILABLE.value and door.from_zone != door.to_zone:
            self._stayed(arrival.person, door, at)
        elif arrival.reason == Reason.ENROLLED.value:
            number = arrival.detail.get("number")
            number = str(number)[:36] if number else None
            member |= {"enrolled": at, "removed": None, "number": number}
        elif arrival.reason == Reason.REMOVED.value:
            member["removed"] = at
        elif arrival.reason == Reason.RENAMED.value:
            member |= {"enrolled": at, "removed": None}
            self._renamed(arrival, arrival.person)

    def save(self) -> None:
        """Write what was followed."""
        gone = whereabouts.c.person.in_(self._gone)
        if self._gone:
            self._connection.execute(delete(whereabouts).where(gone))
        put(self._connection, whereabouts, self._moves.values())
        named = (
            {"device": device, "person": person, **known}
            for (device, person), known in self._members.items()
            if known
        )
        put(self._connection, members, named)

    def _renamed(self, arrival: Arrival, person: str) -> None:
        before = _before(arrival)
        if not before:
            return
        self._members.setdefault((arrival.device, before), {})["removed"] = arrival.when(self._now)
        if before in self._where:
            zone, since = self._where.pop(before)
            self._gone.add(before)
            self._moves.pop(before, None)
            self._move(person, zone, since, arrival.device)

    def _move(self, person: str, zone: int | None, since: float, device: str) -> None:
        self._where[person] = zone, since
        self._gone.discard(person)
        self._moves[person] = {
            "person": person,
            "zone_id": zone,
            "since": since,
            "device": device,
        }

    def _passed(self, arrival: Arrival, person: str, door: DoorRow) -> None:
        if door.to_zone is None and arrival.replayed and not arrival.trusted:
            return  # they left, nobody knows when: whoever may be inside stays in the list
        at = arrival.when(self._now)
        zone, since = self._where.get(person, (door.from_zone, at))
        # A door that was offline tells what is over; a place from later than now is over itself.
        if at < since <= self._now:
            return
        if zone != door.from_zone and self._would_be_seen(zone, door.from_zone):
            text = f"{person} passed here and was last seen entering {self._zone(zone)}"
            self._alarms.up(arrival.device, AlarmKind.PASSBACK, text, at)
        self._move(person, door.to_zone, at, arrival.device)

    def _stayed(self, person: str, door: DoorRow, at: float) -> None:
        """The door said that it would let them pass, and then did not open."""
        zone, since = self._where.get(person, (door.from_zone, at))
        if zone == door.to_zone and 0 <= at - since <= _TOLD_WITHIN_S:
            self._move(person, door.from_zone, at, door.id)

    def _would_be_seen(self, start: int | None, end: int | None) -> bool:
        """Whether a reader stands on the way: where there is none, people go unseen."""
        way = (
            devices.c.from_zone.is_not_distinct_from(start),
            devices.c.to_zone.is_not_distinct_from(end),
        )
        return self._connection.execute(select(devices.c.id).where(*way)).first() is not None

    def _zone(self, number: int | None) -> str:
        name = self._connection.execute(select(zones.c.name).where(zones.c.id == number)).scalar()
        return str(name or "the street")


def _before(arrival: Arrival) -> str:
    """What somebody was called before, where the event says so."""
    return clean(arrival.detail.get("before", ""), MAX_NAME)
