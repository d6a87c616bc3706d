"""What arrived since the last batch, and how it is written: one transaction for all of it."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from edge.access.bucket import TokenBucket
from edge.errors import WireError
from edge.fleet.collector import reading, rosters
from edge.fleet.collector.alarms import Alarms
from edge.fleet.collector.intake import Intake, Taken, known_doors
from edge.fleet.collector.updates import REPORTED, HeardUpdates
from edge.fleet.database.many import change
from edge.fleet.database.tables import SLOT_S, commands, devices, figures
from edge.fleet.kinds import AlarmKind, CommandState
from edge.fleet.text import number
from edge.link.topics import rollout_plan

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from edge.fleet.collector.reading import Arrival
    from edge.fleet.database.database import Database
    from edge.fleet.database.rows import DoorRow
    from edge.link.arrivals import Received
    from edge.link.payloads import CommandAnswer

STATES = (
    "lock/availability",
    "lock/state",
    "door/contact",
    "door/forced",
    "door/held",
    "tamper",
    "camera/problem",
    "instruction",
)
TOPICS = (
    "availability",
    *STATES,
    "event",
    "event/replay",
    "metrics",
    "reported",
    "audit_key",
    "command/answer",
    *rosters.TOPICS,
    REPORTED,
)
"""What is read of every door, below BASE/ID."""
_MAX_FIGURES = 40
"""Of one door; what is more is left out."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Heard:
    """What one door said since the last batch, besides events."""

    live: bool = False
    available: str | None = None
    states: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] | None = None
    reported: dict[str, object] | None = None
    audit_key: str | None = None
    people: rosters.HeardPeople = field(default_factory=rosters.HeardPeople)


class News:
    """Collects messages until `write`. Not for long: it lives in memory."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._arrivals: list[Arrival] = []
        self._heard: dict[str, _Heard] = {}
        self._answers: list[tuple[str, CommandAnswer]] = []
        self._updates = HeardUpdates()
        self._complaints = TokenBucket(per_second=0.2, burst=10)

    def __len__(self) -> int:
        said = len(self._heard) + len(self._answers) + len(self._updates)
        return len(self._arrivals) + said

    def hear(self, message: Received, now: float) -> str | None:
        """Take a message in; the device when it has just come online."""
        found = reading.split_topic(self._base, message.topic)
        if found is None:
            return None
        device, rest = found
        try:
            self._read(device, rest, message)
        except WireError as error:
            # Others decide how often this happens; the disk decides how often it is said.
            if self._complaints.take(now):
                _log.warning("not read, on %s: %s", message.topic, error)
            return None
        came = rest == "availability" and message.payload == b"online"
        return device if came else None

    def write(
        self, database: Database, now: float, hopeless: frozenset[str] = frozenset()
    ) -> Taken:
        """Everything into the database, in one transaction; nothing is kept here afterwards.

        Raises:
            DatabaseError: nothing was written; the doors still have their events.
        """
        arrivals, heard, answers = self._arrivals, self._heard, self._answers
        self._arrivals, self._heard, self._answers = [], {}, []
        names = {arrival.device for arrival in arrivals} | set(heard)
        with database.news() as (connection, batch):
            doors = known_doors(connection, names, now, batch)
            alarms = Alarms(connection, batch, names)
            keeper = _Keeper(connection, batch, alarms, now)
            for door in doors:
                if door.id in heard:
                    keeper.keep(door, heard[door.id])
            keeper.save()
            if any(said.audit_key for said in heard.values()):
                doors = known_doors(connection, names, now, batch)
            taken = Intake(connection, batch, alarms, arrivals, now).take(doors, hopeless)
            self._updates.keep(connection, now)
            for device, answer in answers:
                _answered(connection, batch, device, answer)
        return taken

    def _read(self, device: str, rest: str, message: Received) -> None:
        if message.topic == rollout_plan(self._base):
            self._updates.plan(message.payload)
            return
        if rest == REPORTED:
            self._updates.report(device, message.payload)
            return
        said = self._heard.setdefault(device, _Heard())
        if rest.startswith("people/"):  # most of it is the office's word, and no sign of life
            said.people.read(device, rest, message.payload)
        elif not message.payload and rest != "instruction":  # cleared: it has another name now
            said.available = "offline" if rest == "availability" else said.available
        else:
            self._read_own(device, rest, message, said)

    def _read_own(self, device: str, rest: str, message: Received, said: _Heard) -> None:
        payload = message.payload
        said.live = said.live or not message.retained
        if rest in {"event", "event/replay"}:
            self._arrivals.append(reading.read_event(device, payload))
        elif rest == "availability":
            said.available = reading.read_state(payload)
            said.live = said.live and said.available == "online"  # the last will is the broker's
        elif rest in STATES:
            said.states[rest] = reading.read_state(payload)
        elif rest == "metrics":
            said.metrics = _numbers(reading.read_plain(payload))
        elif rest == "reported":
            said.reported = reading.read_plain(payload)
        elif rest == "audit_key":
            said.audit_key = reading.read_key(device, payload)
        elif rest == "command/answer":
            self._answers.append((device, reading.read_answer(payload)))


class _Keeper:
    """Writes what doors said besides events, within one transaction."""

    def __init__(self, connection: Connection, batch: int, alarms: Alarms, now: float) -> None:
        self._connection = connection
        self._batch = batch
        self._alarms = alarms
        self._now = now
        self._changes: list[tuple[str, dict[str, object]]] = []

    def keep(self, door: DoorRow, said: _Heard) -> None:
        """Take down what a door said; `save` writes it."""
        values: dict[str, object] = {"batch": self._batch}
        if said.live:
            values["heard"] = self._now
        if said.available is not None:
            values["available"] = said.available[:16]
        if said.states:
            values["states"] = json.dumps({**json.loads(door.states), **said.states})
            for topic, word in said.states.items():
                self._alarms.state(door.id, topic, word, self._now)
        if said.metrics is not None:
            values["metrics"] = json.dumps(said.metrics)
            warmth = number(json.loads(door.reported).get("temperature_c"))
            body = json.dumps({"temperature_c": warmth, **said.metrics})
            _sample(self._connection, door.id, body, self._now)
        if said.reported is not None:
            values["reported"] = json.dumps(said.reported)
        values |= self._pinned(door, said.audit_key)
        if said.people.anything:
            rosters.keep(self._connection, door.id, said.people)
        self._changes.append((door.id, values))

    def save(self) -> None:
        """Write what was kept."""
        change(self._connection, devices, self._changes)

    def _pinned(self, door: DoorRow, key: str | None) -> dict[str, str]:
        """The first audit key seen is the one; another is an alarm."""
        if key is None or key == door.audit_key:
            return {}
        if not door.audit_key:
            return {"audit_key": key}
        text = "it shows another audit key than the one first seen here"
        self._alarms.up(door.id, AlarmKind.CHAIN_BROKEN, text, self._now)
        return {}


def _sample(connection: Connection, device: str, body: str, now: float) -> None:
    """The first figures of every slot, for charts."""
    slot = int(now // SLOT_S)
    ours = (figures.c.device == device, figures.c.slot == slot)
    if connection.execute(select(figures.c.slot).where(*ours)).first() is None:
        connection.execute(insert(figures).values(device=device, slot=slot, body=body))


def _answered(connection: Connection, batch: int, device: str, answer: CommandAnswer) -> None:
    ours = (
        commands.c.nonce == answer.id,
        commands.c.device == device,
        commands.c.state.in_([CommandState.SENT.value, CommandState.UNANSWERED.value]),
    )
    values = {"state": CommandState(answer.outcome).value, "why": answer.reason}
    connection.execute(update(commands).where(*ours).values(**values, batch=batch))


def _numbers(fields: dict[str, object]) -> dict[str, float]:
    found = ((name[:40], number(value)) for name, value in fields.items())
    kept = {name: value for name, value in found if value is not None}
    return dict(list(kept.items())[:_MAX_FIGURES])
