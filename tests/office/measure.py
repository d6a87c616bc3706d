"""Many people at many doors over a real broker: bytes a change, time until all say so, memory.

`python -m tests.office.measure --doors 100 --people 10000`. The doors do what sight and link do
with lists (vault, ledger, envelopes, fetching), without cameras, all on one thread of one machine:
the times are upper bounds, since real doors work side by side.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import resource
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge.errors import RosterError
from edge.fleet.places import broker_at
from edge.link.arrivals import Received
from edge.link.broker import Broker
from edge.link.people import MAX_PACKET, PeoplePost
from edge.office.post import Post
from edge.office.rows import Person
from edge.roster.desired import sign
from edge.roster.envelope import Content
from tests.support.centre import MODEL, Door, Office
from tests.support.link_parts import Mosquitto

if TYPE_CHECKING:
    from edge.link.client import Connection
    from edge.wire.messages import Part

SIZE, CAPTURES = 1024, 8
"""A template of the default embedder, two networks side by side."""
PATIENCE_S = 900.0


class Linked:
    """A door on the broker."""

    def __init__(self, door: Door, broker: Broker) -> None:
        self.door = door
        self.received = 0
        self._connection = broker.connect()
        self._post = PeoplePost(door.topics, self._take)
        self._post.greet()

    def attend(self) -> None:
        for arrived in self._connection.poll(0.0):
            if isinstance(arrived, Received) and self._post.hear(arrived.topic, arrived.payload):
                self.received += len(arrived.topic) + len(arrived.payload)
        self.door.roster.tend()
        self._post.tend(self._connection, self.door.ledger.states())

    def close(self) -> None:
        self._connection.close()
        self.door.close()

    def _take(self, part: Part) -> None:
        with contextlib.suppress(RosterError):  # it stands in the report
            self.door.roster.take(part)


@dataclass(frozen=True, slots=True)
class Change:
    """What one change cost; bytes are topics and payloads."""

    what: str
    doors: int
    sent: int
    """By the office, for all these doors."""
    received_a_door: float
    seconds: float
    """Until the last door had reported the new list, all of it obeyed."""
    cpu_s: float
    """Of office and doors together: the machine may be busy with other things."""


class Measurement:
    """An office, a broker, doors with their own people, and changes."""

    def __init__(self, folder: Path, doors: int, people: int) -> None:
        self._broker = Mosquitto(folder, "max_queued_messages 0", "max_inflight_messages 100")
        self._broker.start()
        section = broker_at(f"mqtt://127.0.0.1:{self._broker.port}", base_topic="facelock")
        self._office = Office.at(folder / "office")
        self._dice = np.random.default_rng(1)
        made = [
            Door.at(folder, f"door{n}", self._office.keys.public, size=SIZE) for n in range(doors)
        ]
        for number, door in enumerate(made):
            self._office.trust(door, "everywhere", f"group{number}")
        for number in range(people):
            self.enrol(f"Person {number}", f"group{number % doors}")
        # Connected last: a broker drops whoever is silent for as long as this takes.
        self.linked = [
            Linked(door, Broker(section, door.topics.device, MAX_PACKET)) for door in made
        ]
        self._connection: Connection = Broker(section, "office", MAX_PACKET).connect()
        self.post = Post(self._connection, "facelock")

    def enrol(self, name: str, group: str) -> Person:
        vectors = self._dice.normal(size=(CAPTURES, SIZE)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return self._office.book.add(Person("", name, (group,), model=MODEL), Content(vectors))

    def remove(self, person: Person) -> None:
        self._office.book.remove(person)

    def publish(self, what: str, *devices: str) -> Change:
        """To these doors, or to all."""
        ours = [one for one in self.linked if not devices or one.door.topics.device in devices]
        before = [one.received for one in ours]
        begun, cpu, sent = time.monotonic(), time.process_time(), 0
        for one in ours:
            device = one.door.topics.device
            made = self._office.book.make(device, None)
            message = sign(made.desired, [self._office.keys.signing])
            pieces = self._office.book.shelf.to_post(device)
            self.post.publish(device, message, pieces)
            self._office.book.posted(device)
            sent += len(message) + sum(len(piece.data) for piece in pieces)
            for each in self.linked:  # as they do meanwhile, each on its own board
                each.attend()
        # A door hears a new list at once: link has subscribed.
        while any(self._behind(one) for one in ours):
            for one in self.linked:
                one.attend()
            self.post.listen(lambda: True)
            assert time.monotonic() - begun < PATIENCE_S
        received = sum(one.received for one in ours) - sum(before)
        took, cpu = time.monotonic() - begun, time.process_time() - cpu
        return Change(what, len(ours), sent, received / len(ours), round(took, 2), round(cpu, 2))

    def greet(self) -> None:
        """Every door has subscribed before anything is measured."""
        for one in self.linked:
            one.attend()

    def close(self) -> None:
        self._connection.close()
        for one in self.linked:
            one.close()
        self._office.book.close()
        self._broker.kill()

    def _behind(self, one: Linked) -> bool:
        report = one.door.report()
        wanted = self._office.book.doors.find(one.door.topics.device).digest
        return report.digest != wanted or report.waiting > 0


def measure(folder: Path, doors: int, people: int) -> tuple[list[Change], float]:
    """Four changes; and KiB of memory that a door's people take there."""
    run = Measurement(folder, doors, people)
    try:
        run.greet()
        memory = _resident_kib()
        changes = [run.publish("the first list, everybody enrolled")]
        memory = _resident_kib() - memory
        newcomer = run.enrol("Newcomer", "everywhere")
        changes.append(run.publish("one person more, at every door"))
        run.remove(newcomer)
        changes.append(run.publish("one person less, at every door"))
        run.enrol("Neighbour", "group0")
        changes.append(run.publish("one person more, at one door", "door0"))
        return changes, memory / doors
    finally:
        run.close()


def _resident_kib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1024


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--doors", type=int, default=100)
    parser.add_argument("--people", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        found, kib = measure(Path(place), options.doors, options.people)
    print(json.dumps({"changes": [asdict(one) for one in found], "memory_kib_a_door": kib}))
