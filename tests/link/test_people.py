"""Lists of people over a real broker: while it is hostile nobody is known who should not be; when
it is honest again, every door is right within the time after which link asks anew."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge.fleet.places import broker_at
from edge.link import people
from edge.link.broker import Broker
from edge.link.client import Connection
from edge.link.people import MAX_PACKET
from edge.link.topics import Message
from edge.roster.pages import digest
from tests.office.measure import Linked
from tests.support.centre import Door, Office
from tests.support.link_parts import Mosquitto, needs_mosquitto
from tests.support.waiting import until

pytestmark = needs_mosquitto
AGAIN_S = 2.0


class Place:
    """An office, two doors and the broker between them, which others may write to as well."""

    def __init__(self, folder: Path) -> None:
        self.broker = Mosquitto(folder, "max_packet_size 65536").start()
        self.office, self.rogue = Office.at(folder / "office"), Office.at(folder / "rogue")
        doors = [Door.at(folder, f"door{n}", self.office.keys.public) for n in range(2)]
        for door in doors:
            self.office.trust(door, "staff")
            self.rogue.trust(door, "staff")
        self.rogue.add("Mallory", "staff")
        self.linked = [Linked(door, self._enter(door.topics.device)) for door in doors]
        self.wire: Connection = self._enter("anybody").connect()

    def _enter(self, name: str) -> Broker:
        section = broker_at(f"mqtt://127.0.0.1:{self.broker.port}", base_topic="facelock")
        return Broker(section, name, MAX_PACKET)

    def put(self, retained: dict[str, bytes]) -> None:
        for topic, payload in retained.items():
            self.wire.publish(Message(topic, payload, retain=True))
        self.wire.poll(0.0)

    def attend(self) -> None:
        for one in self.linked:
            one.attend()
        self.wire.poll(0.0)

    def right(self) -> bool:
        self.attend()
        return all(map(self.right_at, self.linked))

    def right_at(self, one: Linked) -> bool:
        one.attend()
        allowed = self.office.allowed(one.door.topics.device)
        return one.door.names() == allowed and not one.door.report().waiting

    def close(self) -> None:
        self.wire.close()
        for one in self.linked:
            one.close()
        self.office.book.close()
        self.rogue.book.close()
        self.broker.kill()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setattr(people, "AGAIN_S", AGAIN_S)
    made = Place(tmp_path)
    yield made
    made.close()


def test_doors_hear_of_a_list_over_the_broker(place: Place) -> None:
    for number in range(70):  # two pages
        place.office.add(f"Person {number}", "staff")
    for one in place.linked:
        place.office.publish(one.door.topics.device)
    place.put(place.office.broker)
    until(place.right, 120)
    sent = sum(map(len, place.office.broker.values())) / 2
    assert all(one.received < 1.5 * sent for one in place.linked)


def test_what_has_come_does_not_come_again_when_it_is_published_anew(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody comes and goes: the page of before is published again, and fetched once."""
    monkeypatch.setattr(people, "AGAIN_S", 10_000.0)  # what a slow machine asks for again counts
    office, (one, _) = place.office, place.linked
    office.add("Anna", "staff")

    def published() -> int:
        office.broker.clear()
        office.publish("door0")
        place.put(office.broker)
        before = one.received
        generation = office.book.doors.find("door0").generation
        until(lambda: place.right_at(one) and one.door.report().generation == generation)
        return one.received - before

    published()
    bo = office.add("Bo", "staff")
    published()
    office.book.remove(bo)
    fetched = published()
    sent = sum(len(topic) + len(payload) for topic, payload in office.broker.items())
    assert sent < 3000, "list and page"
    assert fetched == sent


def test_a_page_that_was_there_before_is_fetched_again(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody comes and goes: the list has the page of before, which the door has dropped."""
    monkeypatch.setattr(people, "AGAIN_S", 10_000.0)
    place.office.add("Anna", "staff")
    for change in (None, "come", "go"):
        if change == "come":
            guest = place.office.add("Guest", "staff")
        elif change == "go":
            place.office.book.remove(guest)
        for one in place.linked:
            place.office.publish(one.door.topics.device)
        place.put(place.office.broker)
        until(place.right, 60)


@pytest.mark.parametrize("seed", range(2))
def test_after_a_hostile_broker_all_are_right_again(place: Place, seed: int) -> None:
    dice = random.Random(seed)
    staff = [place.office.add(f"Person {number}", "staff") for number in range(4)]
    old: list[dict[str, bytes]] = []
    for turn in range(4):
        if turn:
            place.office.book.remove(staff[turn - 1])
            place.office.add(f"Newcomer {turn}", "staff")
        for one in place.linked:
            place.office.publish(one.door.topics.device)
            place.rogue.publish(one.door.topics.device)
        old.append(dict(place.office.broker))
        end = time.monotonic() + 1.0
        while time.monotonic() < end:
            _bother(place, old, dice)
            place.attend()
            assert all("Mallory" not in one.door.names() for one in place.linked)
    place.put(place.office.broker)  # it is honest again, and holds what the office published
    until(place.right, 60)
    for one in place.linked:
        assert one.door.ledger.verify() == []


def _bother(place: Place, old: list[dict[str, bytes]], dice: random.Random) -> None:
    """One thing that whoever owns the broker may do."""
    retained = dice.choice([*old, place.rogue.broker])
    topic = dice.choice(list(retained))
    payload = retained[topic]
    what = dice.choice(("repeat", "drop", "bend", "swap"))
    if what == "drop":
        payload = b""
    elif what == "bend":
        payload = bytes(dice.randrange(256) for _ in range(50)) + payload[50:]
    elif what == "swap":
        other = place.rogue.broker if retained is not place.rogue.broker else place.office.broker
        payload = other.get(topic, digest(payload).encode())
    place.put({topic: payload})
