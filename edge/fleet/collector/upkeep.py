"""What a collector does by the clock: its own sign of life, absent doors, old rows, partitions."""

from __future__ import annotations

import contextlib
import json
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select, text, update

from edge.errors import DatabaseError
from edge.fleet.collector.alarms import Alarms
from edge.fleet.database.tables import (
    SLOT_S,
    actions,
    alarms,
    collectors,
    commands,
    devices,
    events,
    figures,
    gaps,
    members,
    rosters,
    whereabouts,
)
from edge.fleet.kinds import AlarmKind, CommandState, ListState, Presence
from edge.fleet.presence import presence
from edge.fleet.rosters import read
from edge.fleet.rosters import standing as standing_of_list
from edge.fleet.text import DAY_S, local, number
from edge.fleet.web import sessions
from edge.link.outbox import WARN_AT

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from edge.fleet.database.database import Database
    from edge.fleet.database.rows import DoorRow, RosterRow

SIGN_EVERY_S = 5.0
LOOK_EVERY_S = 10.0
"""An absent door, or a command that nobody has answered, is told so soon."""
FORGET_EVERY_S = 3600.0
_MONTHS_LOCK = 0x45444632
"""PostgreSQL's, of whoever makes or drops partitions: `database` has the number before."""
CERTIFICATE_WARN_S = 21 * DAY_S
"""Before its end; a door with an ended one is silent."""
COMMAND_GRACE_S = 10.0
"""After a command has expired: the door's answer may be on its way."""
_WRONG = {ListState.REFUSED, ListState.NOT_BELIEVED, ListState.LAPSED, ListState.RESTORED}
_ABSENT = {
    Presence.OFFLINE: "the broker says that it is gone",
    Presence.SILENT: "it has said nothing for a while, whatever the broker says",
    Presence.DEGRADED: "its camera program or its relay guard does not answer",
}


class Upkeep:
    """Does each of these when it is due."""

    def __init__(self, database: Database, name: str, keep_days: int) -> None:
        self._database = database
        self._name = name
        self._keep_days = keep_days
        self._look_at = self._sign_at = self._forget_at = 0.0

    def prepare(self) -> None:
        """Before connecting: nobody listens through this collector, and the months are there."""
        sign_of_life(self._database, self._name, time.time(), connected=False)
        forget(self._database, time.time(), self._keep_days)

    def begin(self, look_at: float) -> None:
        """Connected; look at the doors from `look_at` on, monotonic seconds."""
        self._look_at, self._sign_at = look_at, 0.0
        self._forget_at = time.monotonic() + FORGET_EVERY_S

    def tick(self, now: float) -> None:
        """Do what is due at `now`, monotonic seconds."""
        if now >= self._sign_at:
            self._sign_at = now + SIGN_EVERY_S
            sign_of_life(self._database, self._name, time.time(), connected=True)
        if now >= self._look_at:
            self._look_at = now + LOOK_EVERY_S
            look_round(self._database, time.time())
        if now >= self._forget_at:
            self._forget_at = now + FORGET_EVERY_S
            forget(self._database, time.time(), self._keep_days)

    def leave(self) -> None:
        """The collector ends; a database that is out of reach sees it by the silence."""
        with contextlib.suppress(DatabaseError):
            sign_of_life(self._database, self._name, time.time(), connected=False)


def sign_of_life(database: Database, name: str, now: float, *, connected: bool) -> None:
    """Say that this collector lives, and whether it hears the doors."""
    with database.writing() as connection:
        values = {"seen": now, "connected": connected}
        done = connection.execute(
            update(collectors).where(collectors.c.name == name).values(**values)
        )
        if not done.rowcount:
            connection.execute(insert(collectors).values(name=name, **values))


def look_round(database: Database, now: float) -> None:
    """Raise and clear the alarms that no message brings."""
    with database.news() as (connection, batch):
        doors = connection.execute(select(devices)).all()
        standing = Alarms(connection, batch, [door.id for door in doors])
        lists = {row.device: row for row in connection.execute(select(rosters))}
        for door in doors:
            _look_at(door, standing, now)
            _look_at_people(door.id, lists.get(door.id), standing, now)
        late = (
            commands.c.state.in_([CommandState.SENT.value, CommandState.QUEUED.value]),
            commands.c.expires < now - COMMAND_GRACE_S,
        )
        values = {"state": CommandState.UNANSWERED.value, "batch": batch}
        connection.execute(update(commands).where(*late).values(**values))


def _look_at(door: DoorRow, standing: Alarms, now: float) -> None:
    there = presence(door.available, json.loads(door.states), door.heard, now)
    standing.set(
        door.id,
        AlarmKind.OFFLINE,
        _ABSENT.get(there, ""),
        now,
        on=there is not Presence.ONLINE,
    )
    said = json.loads(door.reported)
    ends = number(said.get("certificate_ends"))
    soon = ends is not None and ends < now + CERTIFICATE_WARN_S
    text_ = f"its certificate ends on {_day(ends)}: renew it, or it cannot connect any more"
    standing.set(door.id, AlarmKind.CERTIFICATE, text_, now, on=soon)
    twin = "another device says that it is this one: give each its own [device] id"
    standing.set(door.id, AlarmKind.TWIN, twin, now, on=said.get("twin") is True)
    waiting, capacity = number(said.get("outbox_depth")), number(said.get("outbox_capacity"))
    full = waiting is not None and capacity is not None and waiting >= WARN_AT * capacity
    text_ = f"{waiting:g} events wait there; soon the oldest are dropped" if full else ""
    standing.set(door.id, AlarmKind.OUTBOX, text_, now, on=full)


def _look_at_people(device: str, row: RosterRow | None, alarms_: Alarms, now: float) -> None:
    stands = None if row is None else standing_of_list(*read(row), row.foreign, now)
    wrong = stands is not None and stands.state in _WRONG
    text_ = f"the list of people is {stands.state.value}: {stands.why}" if stands else ""
    alarms_.set(device, AlarmKind.PEOPLE, text_, now, on=wrong)


def forget(database: Database, now: float, keep_days: int) -> None:
    """Remove what is older than the policy keeps, names too; make PostgreSQL's months ready."""
    oldest = now - keep_days * DAY_S
    with database.writing() as connection:
        if database.on_postgresql:
            _months(connection, now, oldest)
        connection.execute(delete(events).where(events.c.received < oldest))
        connection.execute(delete(figures).where(figures.c.slot < oldest / SLOT_S))
        connection.execute(delete(gaps).where(gaps.c.found < oldest))
        connection.execute(delete(members).where(members.c.removed < oldest))
        connection.execute(delete(whereabouts).where(whereabouts.c.since < oldest))
        over = (alarms.c.cleared < oldest, alarms.c.acknowledged < oldest)
        connection.execute(delete(alarms).where(*over))
        connection.execute(delete(commands).where(commands.c.at < oldest))
        connection.execute(delete(actions).where(actions.c.at < oldest))
        sessions.forget(connection, now)


def _months(connection: Connection, now: float, oldest: float) -> None:
    """This month's partition and the next one's; those that are wholly too old are dropped."""
    # Two collectors that start together would both make them.
    connection.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _MONTHS_LOCK})
    first = _month(now)
    for begin, end in ((first, _after(first)), (_after(first), _after(_after(first)))):
        connection.execute(
            text(
                f"CREATE TABLE IF NOT EXISTS events_{begin:%Y_%m} PARTITION OF events "
                f"FOR VALUES FROM ({begin.timestamp()}) TO ({end.timestamp()})"
            )
        )
    found = connection.execute(
        text(
            "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'events'::regclass"
        )
    )
    for (name,) in found.all():
        if name != "events_rest" and _after(_begin(name)).timestamp() < oldest:
            connection.execute(text(f"DROP TABLE {name}"))


def _begin(partition: str) -> datetime:
    return datetime.strptime(partition, "events_%Y_%m").replace(tzinfo=timezone.utc)


def _month(now: float) -> datetime:
    today = datetime.fromtimestamp(now, timezone.utc)
    return datetime(today.year, today.month, 1, tzinfo=timezone.utc)


def _after(month: datetime) -> datetime:
    year, number = divmod(month.year * 12 + month.month, 12)
    return datetime(year, number + 1, 1, tzinfo=timezone.utc)


def _day(seconds: float | None) -> str:
    # A door may say anything; of what ended before 1970 the day does not matter.
    there = None if seconds is None else local(max(0.0, seconds))
    return f"{there:%Y-%m-%d}" if there else "?"
