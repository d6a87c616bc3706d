"""Three doors with people from the centre, through what happens to doors; and what thieves get."""

from __future__ import annotations

import base64
import json
import shutil
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.access.schedule import Verdict
from edge.errors import RosterError, UsageError
from edge.fleet.database.database import Database
from edge.office.book import Book
from edge.roster.desired import sign
from edge.roster.envelope import Address, Content, DoorKey
from edge.roster.offer import Offer, open_offer, seal_offer
from edge.roster.report import Report
from edge.wire.messages import Posted
from tests.fleet.site import BASE, Doors
from tests.support.centre import MODEL, OTHER_MODEL, Door, Office, vectors_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

DAY_S = 86_400.0


class Site:
    """An office and three doors; all of it below one folder."""

    def __init__(self, folder: Path, size: int) -> None:
        self.folder = folder
        self.office = Office.at(folder / "office")
        self.doors = [self.open(f"door{number}") for number in (1, 2, 3)]
        for door in self.doors:
            self.office.trust(door, "staff")
        self.people = [self.office.add(f"Person {number}", "staff") for number in range(size)]
        self.publish()

    def open(self, device: str, model: str = MODEL) -> Door:
        return Door.at(self.folder, device, self.office.keys.public, model=model)

    def publish(self, lease_s: float | None = DAY_S / 2) -> None:
        for door in self.doors:
            self.office.publish(door.topics.device, lease_s)

    def close(self) -> None:
        for door in self.doors:
            door.close()
        self.office.book.close()

    def dashboard(self) -> None:
        """All that is on the broker reaches a collector, as far as it subscribes."""
        database = Database.open(f"sqlite:///{self.folder}/fleet.db")
        doors = Doors(database)
        for topic, payload in self.office.broker.items():
            device, _, rest = topic.removeprefix(f"{BASE}/").partition("/")
            if "envelope" not in rest:
                doors.say(device, rest, payload, retained=True)
        for door in self.doors:
            doors.say(door.topics.device, "people/reported", door.said())
        database.close()

    def everything(self) -> bytes:
        """Every topic of the broker, every file of every host."""
        files = [path.read_bytes() for path in self.folder.rglob("*") if path.is_file()]
        topics = [topic.encode() + payload for topic, payload in self.office.broker.items()]
        return b"".join(files + topics)


def needles(name: str) -> Iterator[bytes]:
    """How somebody's template would look in a file: in three formats, raw and as base64."""
    for numbers in ("<f2", "<f4", "<f8"):
        raw = vectors_of(name).astype(numbers).tobytes()[:48]
        yield raw[:16]
        for shift in range(3):
            yield base64.b64encode(raw[shift:])[4:24]
        yield raw[:8].hex().encode()


@pytest.mark.parametrize("size", [12, pytest.param(500, marks=pytest.mark.slow)])
def test_each_door_ends_right_or_says_why_not(
    tmp_path: Path, size: int, caplog: pytest.LogCaptureFixture
) -> None:
    site = Site(tmp_path, size)
    office, (offline, restored, other) = site.office, site.doors
    for door in site.doors:
        door.fetch(office.broker)
        assert door.report().known == size
    restored.close()
    shutil.copytree(tmp_path / "door2", tmp_path / "backup")
    restored = site.doors[1] = site.open("door2")
    other.close()  # and starts with another network
    other = site.doors[2] = site.open("door3", OTHER_MODEL)
    for person in site.people[:5]:
        office.book.remove(person)
    newcomers = [office.add(f"Newcomer {number}", "staff") for number in range(3)]
    renewed = office.add("Renewed", "staff", model=OTHER_MODEL)
    office.hear(restored, other)
    site.publish()
    for door in (restored, other):
        door.fetch(office.broker)

    # The third says who must be enrolled again, and knows whom it can.
    assert other.names() == {"Renewed"}
    assert set(office.book.left_out("door3")) == {
        person.person for person in (*site.people[5:], *newcomers)
    }
    right = office.allowed("door1") - {"Renewed"}
    assert set(office.book.left_out("door1")) == {renewed.person}

    # The second is put back to yesterday, and ends right with the next list that it hears.
    assert restored.names() == right
    restored.close()
    shutil.rmtree(tmp_path / "door2")
    shutil.copytree(tmp_path / "backup", tmp_path / "door2")
    restored = site.doors[1] = site.open("door2")
    assert restored.report().generation == 1
    assert site.people[0].name in restored.names()
    restored.fetch(office.broker)
    assert (restored.names(), restored.report().generation) == (right, 2)
    assert set(restored.report().erased) == {person.person for person in site.people[:5]}

    # The first was away for a day: its people have lapsed there, and come back with the list.
    assert site.people[0].name in offline.names()
    assert offline.verdict(site.people[9].name) is Verdict.ALLOWED
    assert offline.verdict(site.people[9].name, time.time() + DAY_S) is Verdict.LAPSED
    site.publish(lease_s=2 * DAY_S)
    offline.fetch(office.broker)
    assert offline.names() == right
    assert offline.verdict(site.people[9].name, time.time() + DAY_S) is Verdict.ALLOWED

    office.hear(*site.doors)
    receipts = {(one.person, one.device): one for one in office.book.erasures.all()}
    for person in site.people[:5]:
        assert receipts[person.person, "door1"].forgotten
        assert receipts[person.person, "door2"].forgotten
        assert receipts[person.person, "door3"].obeyed
    site.dashboard()
    for door in site.doors:
        assert door.ledger.verify() == []
    everything = site.everything() + caplog.text.encode()
    site.close()
    names = [person.name for person in (*site.people, *newcomers, renewed)]
    assert all(name.encode() in everything for name in names)
    assert shown_in(everything, names) == set()
    planted = next(needles(names[3]))
    assert shown_in(everything[:1001] + planted + everything[1001:], names) == {names[3]}


def shown_in(everything: bytes, names: Iterable[str]) -> set[str]:
    """Whose template shows in it, at any place: four bytes tell where to look closely."""
    sought: dict[int, list[tuple[bytes, str]]] = {}
    for name in names:
        for needle in needles(name):
            sought.setdefault(int.from_bytes(needle[:4], "little"), []).append((needle, name))
    heads = np.array(sorted(sought), np.uint32)
    found = set()
    for shift in range(4):
        windows = np.frombuffer(everything, "<u4", (len(everything) - shift) // 4, shift)
        near = heads[np.searchsorted(heads, windows).clip(max=len(heads) - 1)] == windows
        for place in np.flatnonzero(near):
            for needle, name in sought[int(windows[place])]:
                if everything.startswith(needle, int(place) * 4 + shift):
                    found.add(name)
    return found


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    made = Site(tmp_path, 3)
    for door in made.doors:
        door.fetch(made.office.broker)
    yield made
    made.close()


@pytest.fixture
def rogue(site: Site, tmp_path: Path) -> Iterator[Office]:
    """A thief's own office, which knows every door's public key, as everybody does."""
    made = Office.at(tmp_path / "rogue")
    for door in site.doors:
        made.trust(door, "staff")
        made.book.heard(door.report())
    made.add("Mallory", "staff")
    yield made
    made.book.close()


def test_a_stolen_dashboard_host(site: Site, rogue: Office) -> None:
    """Names, hours, hashes and what happened; no template, no key that a door believes."""
    site.dashboard()
    stored = (site.folder / "fleet.db").read_bytes()
    stored += (site.folder / "fleet.db-wal").read_bytes() if _wal(site.folder).exists() else b""
    for person in site.people:
        assert not any(needle in stored for needle in needles(person.name))
    for topic, envelope in site.office.broker.items():
        assert "envelope" not in topic or envelope[:64] not in stored
    for door in site.doors:
        known = door.names()
        rogue.publish(door.topics.device)
        with pytest.raises(RosterError, match="signed by 0 of the keys"):
            door.fetch(rogue.broker)
        assert door.names() == known


def _wal(folder: Path) -> Path:
    return folder / "fleet.db-wal"


def test_a_stolen_broker(site: Site, rogue: Office) -> None:
    """All that was ever published, and the word of the broker: nothing opens, nobody is known."""
    thief = DoorKey(b"t" * 96)
    door, office = site.doors[0], site.office
    for topic, envelope in office.broker.items():
        if "/envelope/" in topic:
            for person in site.people:
                for generation in (1, 2):
                    address = Address(topic.split("/")[1], person.person, MODEL, generation)
                    with pytest.raises(RosterError):
                        thief.open(envelope, address)
    first = office.broker[door.topics.people_desired]
    office.book.remove(site.people[0])
    site.publish()
    door.fetch(office.broker)
    known = door.names()
    with pytest.raises(RosterError, match="an old one was sent again"):
        door.take(Posted.LIST, first)
    made = rogue.publish("door1")
    mixed = {**office.broker, **rogue.broker}
    mixed[door.topics.people_desired] = sign(made.desired, [rogue.keys.signing])
    with pytest.raises(RosterError, match="signed by 0 of the keys"):
        door.fetch(mixed)
    assert (door.names(), site.people[0].name in door.names()) == (known, False)
    # Nor does anybody else speak for a door: no receipt, no other network, no number far ahead.
    said = json.loads(door.said())
    forged = {
        "erased": {site.people[1].person: 1.0},
        "model": OTHER_MODEL,
        "generation": 2**50,
        "restored": "f" * 32,
        "key": thief.public,
    }
    for field, value in forged.items():
        with pytest.raises(RosterError, match="not signed by that door"):
            Report.from_json(json.dumps({**said, field: value}).encode())
    # Signed by a key of the thief's own it is another door's.
    with pytest.raises(RosterError, match="has another key than the one that was trusted"):
        office.book.heard(Report.from_json(replace(door.report(), key=thief.public).to_json(thief)))


def test_a_stolen_door(site: Site, tmp_path: Path) -> None:
    """Its own people's templates, under its key; no other door's, no list, no member elsewhere."""
    stolen, other = site.doors[0], site.doors[1]
    thief = stolen.vault.door_key  # the key file was in it
    assert {template.person for template in stolen.vault.templates(MODEL)} == stolen.names()
    for topic, envelope in site.office.broker.items():
        if topic.startswith(other.topics.people_envelope("")):
            for person in site.people:
                with pytest.raises(RosterError):
                    thief.open(envelope, Address("door2", person.person, MODEL, 1))
    # It may offer somebody. Nobody is known by that until an operator accepts.
    content = Content(vectors_of("Mallory"))
    offer = Offer("door1", 1.0, "Mallory", ("staff",), (), None, MODEL, content)
    office = site.office
    sealed = seal_offer(offer, office.keys.offers.public, thief)
    trusted = office.book.doors.find("door1")
    assert open_offer(sealed, "door1", trusted.key, office.keys.offers).name == "Mallory"
    with pytest.raises(RosterError):  # nor in another door's name
        open_offer(sealed, "door2", office.book.doors.find("door2").key, office.keys.offers)
    site.publish()
    other.fetch(office.broker)
    assert "Mallory" not in other.names()
    # The key file alone opens no book of the office's.
    with (
        Book(tmp_path / "office" / "office.db", thief.sign(b"")[:32]) as book,
        pytest.raises(RosterError, match="does not open with this key"),
    ):
        book.content(book.people()[0])
    office.book.doors.distrust("door1")
    with pytest.raises(UsageError, match="does not know a door"):
        office.publish("door1")
