"""Where people are and what they may: kept from the grants and enrolments that doors report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update

from edge.fleet.database.tables import members, whereabouts, zones
from edge.fleet.kinds import AlarmKind
from edge.records import Reason

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from edge.fleet.collector.alarms import Alarms
    from edge.fleet.collector.reading import Arrival

GRANTED = "granted"


class People:
    """Follows people through the zones, within one transaction."""

    def __init__(self, connection: Connection, alarms: Alarms) -> None:
        self._connection = connection
        self._alarms = alarms

    def follow(self, arrival: Arrival, door: Any) -> None:
        """Take an event into account. `door` is its row of `devices`."""
        if arrival.person is None:
            return
        if arrival.type == GRANTED:
            self._member(arrival, last_used=arrival.at)
            if door.from_zone != door.to_zone:
                self._passed(arrival, door)
        elif arrival.reason == Reason.ENROLLED.value:
            self._member(arrival, enrolled=arrival.at, removed=None)
        elif arrival.reason == Reason.REMOVED.value:
            self._member(arrival, removed=arrival.at)

    def _passed(self, arrival: Arrival, door: Any) -> None:
        at, person = arrival.at, arrival.person
        was = self._connection.execute(
            select(whereabouts).where(whereabouts.c.person == person)
        ).first()
        now = {"zone_id": door.to_zone, "since": at, "device": arrival.device}
        if was is None:
            self._connection.execute(insert(whereabouts).values(person=person, **now))
            return
        if was.since > at:  # a door that was offline tells what is over
            return
        if was.zone_id != door.from_zone:
            text = f"{person} passed here and was last seen entering {self._zone(was.zone_id)}"
            self._alarms.up(arrival.device, AlarmKind.PASSBACK, text, at)
        self._connection.execute(
            update(whereabouts).where(whereabouts.c.person == person).values(**now)
        )

    def _zone(self, number: int | None) -> str:
        name = self._connection.execute(select(zones.c.name).where(zones.c.id == number)).scalar()
        return str(name or "the street")

    def _member(self, arrival: Arrival, **values: float | None) -> None:
        ours = (members.c.device == arrival.device, members.c.person == arrival.person)
        changed = self._connection.execute(update(members).where(*ours).values(**values))
        if not changed.rowcount:
            row = {"device": arrival.device, "person": arrival.person, **values}
            self._connection.execute(insert(members).values(**row))
