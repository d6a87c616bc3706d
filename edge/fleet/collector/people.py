"""Where people are and what they may: kept from the grants and enrolments that doors report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from edge.fleet.database.many import put
from edge.fleet.database.tables import members, whereabouts, zones
from edge.fleet.kinds import AlarmKind
from edge.records import Reason

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

    from edge.fleet.collector.alarms import Alarms
    from edge.fleet.collector.reading import Arrival

GRANTED = "granted"


class People:
    """Follows people through the zones, within one transaction; `save` writes it down."""

    def __init__(self, connection: Connection, alarms: Alarms, arrivals: Iterable[Arrival]) -> None:
        """`arrivals`: all that may be followed."""
        self._connection = connection
        self._alarms = alarms
        names = {arrival.person for arrival in arrivals if arrival.person}
        found = select(whereabouts).where(whereabouts.c.person.in_(names))
        self._where = {row.person: (row.zone_id, row.since) for row in connection.execute(found)}
        self._moves: dict[str, dict[str, object]] = {}
        self._members: dict[tuple[str, str], dict[str, object]] = {}

    def follow(self, arrival: Arrival, door: Any) -> None:
        """Take an event into account. `door` is its row of `devices`."""
        if arrival.person is None:
            return
        member = self._members.setdefault((arrival.device, arrival.person), {})
        if arrival.type == GRANTED:
            member["last_used"] = arrival.at
            if door.from_zone != door.to_zone:
                self._passed(arrival, arrival.person, door)
        elif arrival.reason == Reason.ENROLLED.value:
            number = arrival.detail.get("number")
            number = str(number)[:36] if number else None
            member |= {"enrolled": arrival.at, "removed": None, "number": number}
        elif arrival.reason == Reason.REMOVED.value:
            member["removed"] = arrival.at

    def save(self) -> None:
        """Write what was followed."""
        put(self._connection, whereabouts, self._moves.values())
        named = (
            {"device": device, "person": person, **known}
            for (device, person), known in self._members.items()
            if known
        )
        put(self._connection, members, named)

    def _passed(self, arrival: Arrival, person: str, door: Any) -> None:
        at = arrival.at
        zone, since = self._where.get(person, (door.from_zone, at))
        if since > at:  # a door that was offline tells what is over
            return
        if zone != door.from_zone:
            text = f"{person} passed here and was last seen entering {self._zone(zone)}"
            self._alarms.up(arrival.device, AlarmKind.PASSBACK, text, at)
        self._where[person] = door.to_zone, at
        self._moves[person] = {
            "person": person,
            "zone_id": door.to_zone,
            "since": at,
            "device": arrival.device,
        }

    def _zone(self, number: int | None) -> str:
        name = self._connection.execute(select(zones.c.name).where(zones.c.id == number)).scalar()
        return str(name or "the street")
