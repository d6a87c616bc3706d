"""What sight does with lists and envelopes: obeys its office alone, and never half."""

from __future__ import annotations

import base64
import contextlib
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.config import Config, parse
from edge.errors import EdgeDoorError, RosterError
from edge.office.book import Book
from edge.office.keys import OfficeKeys
from edge.office.rows import Person
from edge.records import Reason
from edge.roster.desired import add_signature, sign
from edge.roster.envelope import Content, digest, fingerprint
from edge.roster.report import Report
from edge.sight.journal import open_ledger
from edge.sight.roster import STATE, Roster
from edge.vault.vault import open_vault
from edge.wire.messages import Part, Posted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edge.ledger.ledger import Ledger
    from edge.vault.vault import Vault

MODEL = "m" * 64


@dataclass
class Door:
    """Sight's part of a door, without a camera."""

    config: Config
    vault: Vault
    ledger: Ledger
    roster: Roster

    @classmethod
    def at(cls, folder: Path, device: str, *keys: str, signatures: int = 1) -> Door:
        config = parse(
            {
                "device": {"id": device},
                "paths": {"state": str(folder / device), "run": str(folder / device / "run")},
                "people": {"keys": list(keys), "signatures": signatures},
            },
            "test",
        )
        vault = open_vault(config)
        ledger = open_ledger(config)
        return cls(config, vault, ledger, Roster(config, vault, ledger, MODEL))

    def take(self, what: Posted, payload: bytes, piece: int = 5000) -> None:
        pieces = [payload[i : i + piece] for i in range(0, len(payload), piece)] or [b""]
        for number, one in enumerate(pieces):
            data = base64.b64encode(one).decode("ascii")
            self.roster.take(Part(what, number, len(pieces), data))

    def report(self) -> Report:
        return Report.from_json(self.ledger.states()[STATE].encode("ascii"))

    def names(self) -> set[str]:
        return {person.name for person in self.vault.people()}

    def reasons(self) -> list[Reason]:
        return [stored.event.reason for stored in self.ledger.events(limit=10_000)]

    def close(self) -> None:
        self.vault.close()
        self.ledger.close()


@dataclass
class Office:
    book: Book
    keys: OfficeKeys
    posted: dict[str, tuple[bytes, dict[str, bytes]]] = field(default_factory=dict)

    @classmethod
    def at(cls, folder: Path) -> Office:
        OfficeKeys.create(folder / "people.key")
        keys = OfficeKeys(folder / "people.key")
        return cls(Book(folder / "office.db", keys.book), keys)

    def trust(self, door: Door, *groups: str) -> None:
        report = door.report()
        self.book.trust(report, groups, fingerprint(report.key))

    def add(self, name: str, *groups: str, **changes: str) -> Person:
        vectors = np.random.default_rng(len(name)).normal(size=(3, 16)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        model = changes.get("model", MODEL)
        return self.book.add(Person("", name, groups, model=model), Content(vectors))

    def publish(self, device: str) -> None:
        made = self.book.make(device, None)
        self.posted[device] = (sign(made.desired, [self.keys.signing]), dict(made.envelopes))

    def deliver(self, door: Door) -> None:
        message, envelopes = self.posted[door.config.device.id]
        door.take(Posted.LIST, message)
        for hashed in door.report().waiting:
            door.take(Posted.ENVELOPE, envelopes[hashed])


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office.at(tmp_path)
    yield made
    made.book.close()


@pytest.fixture
def door(tmp_path: Path, office: Office) -> Iterator[Door]:
    made = Door.at(tmp_path, "door1", office.keys.public)
    office.trust(made, "staff")
    yield made
    made.close()


def test_the_list_comes_first_then_what_it_waits_for(office: Office, door: Door) -> None:
    office.add("Anna", "staff")
    office.add("Bo", "kitchen")
    office.publish("door1")
    message, envelopes = office.posted["door1"]
    door.take(Posted.LIST, message)
    assert door.names() == set()
    assert door.report().waiting == tuple(envelopes)
    door.take(Posted.ENVELOPE, envelopes[door.report().waiting[0]])
    assert door.names() == {"Anna"}
    assert (door.report().known, door.report().waiting) == (1, ())
    assert Reason.ENROLLED in door.reasons()


def test_a_removal_is_obeyed_and_a_receipt_given(office: Office, door: Door) -> None:
    anna = office.add("Anna", "staff")
    office.publish("door1")
    office.deliver(door)
    office.book.remove(anna.person)
    office.publish("door1")
    office.deliver(door)
    assert door.names() == set()
    assert set(door.report().erased) == {anna.person}
    assert Reason.REMOVED in door.reasons()
    assert door.ledger.verify() == []


def test_after_a_restart_an_old_list_is_still_old(
    tmp_path: Path, office: Office, door: Door
) -> None:
    anna = office.add("Anna", "staff")
    office.publish("door1")
    office.deliver(door)
    old = office.posted["door1"][0]
    office.book.remove(anna.person)
    office.publish("door1")
    office.deliver(door)
    door.close()
    again = Door.at(tmp_path, "door1", office.keys.public)
    with pytest.raises(RosterError, match="an old one was sent again"):
        again.take(Posted.LIST, old)
    assert again.names() == set()
    assert "an old one" in again.report().refused["list"]
    again.close()


def test_two_signatures_where_the_door_wants_two(tmp_path: Path, office: Office) -> None:
    (tmp_path / "second").mkdir()
    second = Office.at(tmp_path / "second")
    keys = office.keys.public, second.keys.public
    door = Door.at(tmp_path, "vault", *keys, signatures=2)
    office.trust(door, "staff")
    office.add("Anna", "staff")
    made = office.book.make("vault", None)
    message = sign(made.desired, [office.keys.signing])
    with pytest.raises(RosterError, match="signed by 1"):
        door.take(Posted.LIST, message)
    door.take(Posted.LIST, add_signature(message, second.keys.signing))
    assert door.report().generation == 1
    door.close()
    second.book.close()


def test_an_envelope_of_another_network_says_so(office: Office, door: Door) -> None:
    """The door changed its network after the list was made."""
    office.add("Anna", "staff")
    office.publish("door1")
    message, envelopes = office.posted["door1"]
    other = Roster(door.config, door.vault, door.ledger, "n" * 64)
    door.roster = other
    door.take(Posted.LIST, message)
    with pytest.raises(RosterError, match="another door, person, network or generation"):
        door.take(Posted.ENVELOPE, next(iter(envelopes.values())))
    assert door.names() == set()
    assert any("network" in why for why in door.report().refused.values())


def test_pieces_that_do_not_follow_are_a_sentence(door: Door) -> None:
    door.roster.take(Part(Posted.LIST, 0, 3, "AAAA"))
    with pytest.raises(RosterError, match="a piece of the list of people is missing"):
        door.roster.take(Part(Posted.LIST, 2, 3, "AAAA"))
    with pytest.raises(RosterError, match="a piece"):
        door.roster.take(Part(Posted.LIST, 0, 10**9, "AAAA"))


def test_a_ledger_that_cannot_be_written_changes_nobody(
    office: Office, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.add("Anna", "staff")
    office.publish("door1")

    def full(*_: object) -> None:
        raise EdgeDoorError("the disk is full")

    monkeypatch.setattr("edge.ledger.ledger.Ledger.append", full)
    with pytest.raises(EdgeDoorError):
        office.deliver(door)
    monkeypatch.undo()
    assert door.names() == set()
    assert door.vault.members.head().generation == 0


def storm(folder: Path, seed: int, rounds: int) -> None:
    """An hour with a broker that drops, repeats, mixes up and forges; then an honest one.

    Whoever a door knows must be on the list that it says it obeys, as the office made that list.
    """
    dice = random.Random(seed)
    office, rogue = Office.at(folder), Office.at(_made(folder / "rogue"))
    doors = [Door.at(folder, f"door{n}", office.keys.public) for n in range(3)]
    groups = [("staff",), ("staff", "lab"), ("kitchen",)]
    for one, theirs in zip(doors, groups, strict=True):
        office.trust(one, *theirs)
        rogue.trust(one, *theirs)
    rogue.add("Mallory", "staff", "lab", "kitchen")
    sent: list[tuple[Posted, bytes]] = []
    lists: dict[tuple[str, int], set[str]] = {(d.config.device.id, 0): set() for d in doors}
    for turn in range(rounds):
        _change(office, dice, turn)
        for one in doors:
            device = one.config.device.id
            source = rogue if dice.random() < 0.2 else office
            source.publish(device)
            message, envelopes = source.posted[device]
            if source is office:
                generation = office.book.door(device).generation
                lists[device, generation] = _allowed(office, device)
            sent.append((Posted.LIST, message))
            sent += [(Posted.ENVELOPE, envelope) for envelope in envelopes.values()]
        dice.shuffle(sent)
        for one in doors:
            for what, payload in sent[: dice.randrange(len(sent) + 1)]:
                _try(one, what, _bent(payload, dice) if dice.random() < 0.2 else payload)
            known, head = one.names(), one.vault.members.head()
            assert known <= lists[one.config.device.id, head.generation], (seed, turn)
        del sent[60:]
    for one in doors:
        office.publish(one.config.device.id)
        office.deliver(one)
        assert one.names() == _allowed(office, one.config.device.id), seed
        assert one.ledger.verify() == []
        one.close()
    office.book.close()
    rogue.book.close()


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _change(office: Office, dice: random.Random, turn: int) -> None:
    people = office.book.people()
    if people and dice.random() < 0.4:
        office.book.remove(dice.choice(people).person)
    else:
        office.add(f"P{turn}", *dice.sample(["staff", "lab", "kitchen"], dice.randrange(1, 3)))


def _allowed(office: Office, device: str) -> set[str]:
    groups = set(office.book.door(device).groups)
    return {person.name for person in office.book.people() if groups & set(person.groups)}


def _try(door: Door, what: Posted, payload: bytes) -> None:
    with contextlib.suppress(RosterError):
        door.take(what, payload)


def _bent(payload: bytes, dice: random.Random) -> bytes:
    bent = bytearray(payload)
    bent[dice.randrange(len(bent))] ^= dice.randrange(1, 256)
    return bytes(bent)


@pytest.mark.parametrize("seed", range(2))
def test_a_hostile_broker_makes_nobody_known(tmp_path: Path, seed: int) -> None:
    storm(tmp_path, seed, rounds=8)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 40))
def test_many_hostile_hours(tmp_path: Path, seed: int) -> None:
    storm(tmp_path, seed, rounds=40)


def test_no_template_travels_in_clear(office: Office, door: Door) -> None:
    anna = office.add("Anna", "staff")
    office.publish("door1")
    office.deliver(door)
    message, envelopes = office.posted["door1"]
    content = office.book.content(anna)
    seen = message + b"".join(envelopes.values()) + door.report().to_json()
    seen += b"".join(p.read_bytes() for p in door.config.paths.state.rglob("*") if p.is_file())
    for raw in (content.vectors.astype("<f2").tobytes(), content.vectors.astype("<f4").tobytes()):
        assert not any(raw[i : i + 8] in seen for i in range(0, len(raw) - 8, 4))
    assert digest(next(iter(envelopes.values()))) in message.decode("ascii")
