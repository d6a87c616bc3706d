"""Events into the database: each door's next link of its chain, and nothing else.

The feed's row is locked meanwhile, so collectors that run side by side take turns, and a door's
watermark (`whole`, `chain`) says what is there already: that is what makes every event one row.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import insert, select

from edge.fleet.collector.people import People
from edge.fleet.collector.reading import signs
from edge.fleet.database.many import change
from edge.fleet.database.tables import devices, events, gaps
from edge.fleet.kinds import AlarmKind
from edge.ledger.chain import chained, genesis

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from edge.fleet.collector.alarms import Alarms
    from edge.fleet.collector.reading import Arrival
    from edge.fleet.database.rows import DoorRow
    from edge.records import Head


@dataclass(frozen=True, slots=True)
class Watermark:
    """Everything of a door up to `sequence` is stored, and its chain ends in `chain`."""

    sequence: int
    chain: str


@dataclass(slots=True)
class Taken:
    """What came of one batch; true once it is committed."""

    stored: int = 0
    confirm: dict[str, Watermark] = field(default_factory=dict)
    resend: set[str] = field(default_factory=set)
    """Doors that must send again from their watermark."""
    went_on: set[str] = field(default_factory=set)
    """Those of them that sent something again, and it was what comes later."""


def known_doors(
    connection: Connection, names: Iterable[str], now: float, batch: int
) -> Sequence[DoorRow]:
    """The rows of these doors; one that was never heard of is put down."""
    wanted = set(names)
    rows = connection.execute(select(devices).where(devices.c.id.in_(wanted))).all()
    new = [
        {
            "id": name,
            "name": name,
            "first_seen": now,
            "heard": 0.0,
            "chain": genesis(name),
            "batch": batch,
        }
        for name in sorted(wanted - {row.id for row in rows})
    ]
    if not new:
        return rows
    connection.execute(insert(devices), new)
    return connection.execute(select(devices).where(devices.c.id.in_(wanted))).all()


class Intake:
    """One batch of arrivals, within one transaction."""

    def __init__(
        self,
        connection: Connection,
        batch: int,
        alarms: Alarms,
        arrivals: Sequence[Arrival],
        now: float,
    ) -> None:
        self.connection = connection
        self.batch = batch
        self.alarms = alarms
        self.now = now
        self.arrivals = arrivals
        self.people = People(connection, alarms, arrivals, now)
        self.hopeless: frozenset[str] = frozenset()
        self.rows: list[dict[str, object]] = []
        self.marks: list[tuple[str, dict[str, object]]] = []
        """How far each door's chain is whole now."""
        self.taken = Taken()

    def take(self, doors: Sequence[DoorRow], hopeless: frozenset[str] = frozenset()) -> Taken:
        """Store what is new and in order; `doors` are the rows of all doors among the arrivals.

        `hopeless`: doors that were asked for missing events and do not have them.
        """
        self.hopeless = hopeless
        of_door: dict[str, list[Arrival]] = defaultdict(list)
        for arrival in self.arrivals:
            of_door[arrival.device].append(arrival)
        for door in doors:
            if door.id in of_door:
                ordered = sorted(of_door[door.id], key=lambda arrival: arrival.sequence)
                _Chain(self, door).take(ordered)
        if self.rows:
            self.connection.execute(insert(events), self.rows)
        change(self.connection, devices, self.marks)
        self.people.save()
        self.taken.stored = len(self.rows)
        return self.taken


class _Chain:
    """One door's chain while its part of the batch is taken."""

    def __init__(self, intake: Intake, door: DoorRow) -> None:
        self._in = intake
        self._door = door
        self._whole, self._chain, self._signed = door.whole, door.chain, door.signed
        self._gap_since = door.gap_since
        self._new: dict[int, str] = {}
        self._head: Head | None = None  # the newest: the chain leads from it to those before

    def take(self, ordered: Sequence[Arrival]) -> None:
        known = self._stored_chains([a.sequence for a in ordered if a.sequence <= self._whole])
        for arrival in ordered:
            if arrival.sequence <= self._whole:
                self._again(arrival, known)
            elif arrival.sequence == self._whole + 1:
                self._next(arrival)
            else:
                self._later(arrival)
        if self._head is not None:
            self._check_head(self._head)
        self._save()

    def _again(self, arrival: Arrival, known: dict[int, str]) -> None:
        """A second delivery, unless it is another event under the same number."""
        was = self._new.get(arrival.sequence) or known.get(arrival.sequence)
        if was is not None and was != arrival.chain:
            self._broken(
                f"its event {arrival.sequence} is not the one that is stored here: its ledger was "
                "begun anew, put back or altered, or somebody forges events"
            )

    def _next(self, arrival: Arrival) -> None:
        expected = chained(self._chain, arrival.sequence, arrival.boot, arrival.body)
        if expected != arrival.chain:
            self._broken(
                f"its event {arrival.sequence} does not continue the chain of the one before: "
                "its ledger was altered, or somebody forges events"
            )
            return
        self._in.alarms.down(self._door.id, AlarmKind.CHAIN_BROKEN, self._in.now)
        self._store(arrival)

    def _later(self, arrival: Arrival) -> None:
        now = self._in.now
        if self._gap_since is None:
            self._gap_since = now
        gone = arrival.sequence == json.loads(self._door.reported).get("first")
        if not gone and self._door.id not in self._in.hopeless:
            self._in.taken.resend.add(self._door.id)
            if arrival.replayed:
                self._in.taken.went_on.add(self._door.id)
            return
        first, last = self._whole + 1, arrival.sequence - 1
        self._in.connection.execute(
            insert(gaps).values(
                device=self._door.id, epoch=self._door.epoch, first=first, last=last, found=now
            )
        )
        text = f"events {first} to {last} were lost: the door no longer has them"
        self._in.alarms.up(self._door.id, AlarmKind.GAP, text, now)
        self._store(arrival)

    def _store(self, arrival: Arrival) -> None:
        self._whole, self._chain = arrival.sequence, arrival.chain
        self._gap_since = None
        self._new[arrival.sequence] = arrival.chain
        intake = self._in
        intake.rows.append(
            {
                "device": arrival.device,
                "epoch": self._door.epoch,
                "sequence": arrival.sequence,
                "received": intake.now,
                "at": arrival.at,
                "trusted": arrival.trusted,
                "type": arrival.type,
                "kind": arrival.kind,
                "reason": arrival.reason,
                "person": arrival.person,
                "boot": arrival.boot,
                "body": arrival.body,
                "chain": arrival.chain,
                "batch": intake.batch,
            }
        )
        self._head = arrival.head or self._head
        intake.alarms.event(arrival, intake.now)
        intake.people.follow(arrival, self._door)

    def _check_head(self, head: Head) -> None:
        if not self._door.audit_key or head.sequence <= self._signed:
            return
        if not signs(head, self._door.id, self._door.audit_key):
            self._broken("a head of its record is not signed by the key that was first seen here")
            return
        was = self._new.get(head.sequence) or self._stored_chains([head.sequence]).get(
            head.sequence
        )
        if was is not None and was != head.chain:
            self._broken(f"it signed another event {head.sequence} than the one stored here")
            return
        if was is not None:
            self._signed = head.sequence

    def _broken(self, text: str) -> None:
        self._in.alarms.up(self._door.id, AlarmKind.CHAIN_BROKEN, text, self._in.now)

    def _stored_chains(self, sequences: Sequence[int]) -> dict[int, str]:
        if not sequences:
            return {}
        found = select(events.c.sequence, events.c.chain).where(
            events.c.device == self._door.id,
            events.c.epoch == self._door.epoch,
            events.c.sequence.in_(sequences),
        )
        return {row.sequence: row.chain for row in self._in.connection.execute(found)}

    def _save(self) -> None:
        self._in.taken.confirm[self._door.id] = Watermark(self._whole, self._chain)
        now = {
            "whole": self._whole,
            "chain": self._chain,
            "signed": self._signed,
            "gap_since": self._gap_since,
            "batch": self._in.batch,
        }
        self._in.marks.append((self._door.id, now))
