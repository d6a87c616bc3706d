"""What sight does with lists, pages and envelopes: obeys its office alone, and never half."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.errors import ConfigError, EdgeDoorError, RosterError, VaultError
from edge.office.book import Book
from edge.office.rows import Person
from edge.ops.doctor.state import rules
from edge.records import Reason, Template
from edge.roster.desired import add_signature, sign
from edge.roster.envelope import Address, Content, seal
from edge.roster.pages import digest, spread
from edge.sight.changes import recorded
from edge.sight.journal import Journal
from edge.sight.rulebook import Rulebook
from edge.wire.messages import Part, Posted
from tests.support.centre import MODEL, OTHER_MODEL, Door, Office, roster_of, vectors_of
from tests.support.forked import edge_door

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from edge.records import Floats
    from edge.roster.pages import Member


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
    door.take(Posted.LIST, office.broker[door.topics.people_desired])
    (page,) = door.report().pages
    assert (door.names(), door.report().generation) == (set(), 0)
    door.take(Posted.PAGE, office.broker[door.topics.people_page(page)])
    (envelope,) = door.report().envelopes
    assert (door.names(), door.report().generation) == (set(), 1)
    door.take(Posted.ENVELOPE, office.broker[door.topics.people_envelope(envelope)])
    assert door.names() == {"Anna"}
    assert (door.report().known, door.report().waiting) == (1, 0)
    assert Reason.ENROLLED in door.reasons()


def test_a_removal_is_obeyed_and_a_receipt_given(office: Office, door: Door) -> None:
    anna = office.add("Anna", "staff")
    office.publish("door1")
    door.fetch(office.broker)
    office.book.remove(anna)
    office.publish("door1")
    door.fetch(office.broker)
    assert door.names() == set()
    assert set(door.report().erased) == {anna.person}
    assert Reason.REMOVED in door.reasons()
    assert door.ledger.verify() == []


def test_who_revokes_at_a_door_is_told_that_the_office_decides(
    office: Office, door: Door, tmp_path: Path
) -> None:
    """A card that was taken away here came back with the office's next envelope, unsaid."""
    anna = Person("", "Anna", ("staff",), model=MODEL)
    office.book.add(anna, Content(vectors_of("Anna"), cards=("0x4D",)))
    office.publish("door1")
    door.fetch(office.broker)
    path = tmp_path / "edge-door.toml"
    state = json.dumps(str(door.config.paths.state))
    path.write_text(f'device.id = "door1"\npaths.state = {state}\n')
    done = edge_door("credentials", "revoke", "anna", "card", "--config", str(path))
    assert done.returncode == 0, done.stderr
    assert "The people office knows nothing of it" in done.stdout


@pytest.fixture
def strict(tmp_path: Path, office: Office) -> Iterator[Door]:
    """A door whose own file names Bob, whom the office has enrolled beside Anna."""
    rules = {"schedule": {"Bob": ["mon-fri 08:00-18:00"]}, "pin_alone": ["bob"]}
    door = Door.at(tmp_path, "door1", office.keys.public, access=rules)
    office.trust(door, "staff")
    office.add("Anna", "staff")
    office.add("Bob", "staff")
    office.publish("door1")
    door.fetch(office.broker)
    yield door
    door.close()


def started(door: Door) -> Rulebook:
    """The rules as sight has them after a start with what this door keeps."""
    door.close()
    again = Door.of(door.config)
    door.vault, door.ledger, door.roster = again.vault, again.ledger, again.roster
    rulebook = Rulebook(door.config, Journal(door.ledger, "door1"))
    rulebook.know(sorted(door.names()), door.roster.meant())
    return rulebook


def bob(office: Office) -> Person:
    return next(one for one in office.book.people() if one.name == "Bob")


def test_whom_the_door_names_may_be_removed_and_it_starts(office: Office, strict: Door) -> None:
    started(strict)
    office.book.remove(bob(office))
    office.publish("door1")
    strict.fetch(office.broker)
    assert started(strict).schedule.doubtful == frozenset()
    found = rules(strict.config)
    assert found is not None
    assert (found.level, "Bob (gone)" in found.sentence) == ("warn", True)
    office.add("Cleo", "staff")  # with which the name is still known for gone
    office.publish("door1")
    strict.fetch(office.broker)
    assert started(strict).schedule.doubtful == frozenset()


def test_whom_the_door_names_may_be_renamed_and_it_starts_without_them(
    office: Office, strict: Door
) -> None:
    for name in ("Bobby", "Robert"):
        before = next(one for one in office.book.people() if one.name != "Anna")
        office.book.change(before, replace(before, name=name))
        office.publish("door1")
        strict.fetch(office.broker)
        assert started(strict).schedule.doubtful == {name.lower()}
    found = rules(strict.config)
    assert found is not None
    assert "Bob (Robert)" in found.sentence


def test_a_name_that_is_a_persons_again_is_no_more_for_gone(office: Office, strict: Door) -> None:
    office.book.remove(bob(office))
    office.publish("door1")
    strict.fetch(office.broker)
    assert strict.roster.meant() == {"bob": ""}
    here = strict.ledger, strict.vault, "door1"
    with recorded(*here, Reason.ENROLLED, "BOB"):  # of this door alone
        strict.vault.add(Template("BOB", vectors_of("BOB"), MODEL))
    office.add("Cleo", "staff")
    office.publish("door1")
    strict.fetch(office.broker)
    assert strict.roster.meant() == {}
    with recorded(*here, Reason.REMOVED, "BOB"):
        strict.vault.remove("BOB")
    with pytest.raises(ConfigError, match="names Bob, but nobody"):
        started(strict)


def test_whoever_is_left_when_power_goes_in_the_middle_is_known(
    office: Office, strict: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is on the disk before they are gone."""
    office.book.remove(bob(office))
    office.publish("door1")

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("edge.sight.changes._end", cut)
        with pytest.raises(KeyboardInterrupt):
            strict.fetch(office.broker)
    assert strict.names() == {"Anna"}
    started(strict)


def test_who_comes_back_has_no_receipt_any_more(office: Office, door: Door) -> None:
    anna = office.add("Anna", "staff")
    away = replace(anna, groups=("kitchen",))
    for before, after in ((anna, away), (away, anna)):
        office.publish("door1")
        door.fetch(office.broker)
        office.book.change(before, after)
    assert set(door.report().erased) == {anna.person}
    office.publish("door1")
    door.fetch(office.broker)
    assert (door.names(), door.report().erased) == ({"Anna"}, {})


def test_after_a_restart_an_old_list_is_still_old(
    tmp_path: Path, office: Office, door: Door
) -> None:
    anna = office.add("Anna", "staff")
    office.publish("door1")
    door.fetch(office.broker)
    old = office.broker[door.topics.people_desired]
    office.book.remove(anna)
    office.publish("door1")
    door.fetch(office.broker)
    door.close()
    again = Door.at(tmp_path, "door1", office.keys.public)
    with pytest.raises(RosterError, match="an old one was sent again"):
        again.take(Posted.LIST, old)
    assert again.names() == set()
    assert "an old one" in again.report().refused["list"]
    again.close()


def test_two_signatures_where_the_door_wants_two(tmp_path: Path, office: Office) -> None:
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
    assert door.report().pages == made.desired.pages
    door.close()
    second.book.close()


def test_an_envelope_of_another_network_says_so(office: Office, door: Door) -> None:
    """The door changed its network after the list was made."""
    office.add("Anna", "staff")
    office.publish("door1")
    door.roster = roster_of(door.config, door.vault, door.ledger, OTHER_MODEL)
    door.fetch(office.broker)
    assert door.names() == set()
    (why,) = door.report().refused.values()
    assert "another door, person, network or generation" in why
    notes = door.reasons().count(Reason.ROSTER_REFUSED)
    door.fetch(office.broker)  # as link does now and then: nothing new is said
    assert door.reasons().count(Reason.ROSTER_REFUSED) == notes == 1


@pytest.mark.parametrize(
    "address",
    [
        lambda right: replace(right, device="door2"),
        lambda right: replace(right, person="p9"),
        lambda right: replace(right, model=OTHER_MODEL),
        lambda right: replace(right, generation=9),
    ],
)
def test_an_envelope_for_anything_else_is_refused_by_name(
    office: Office, door: Door, address: Callable[[Address], Address]
) -> None:
    """An office, or a fault in one, that put one person's envelope in another's place."""
    anna = office.add("Anna", "staff")
    made = office.book.make("door1", None)
    right = Address("door1", anna.person, MODEL, 1)
    envelope = seal(office.book.content(anna), door.report().key, address(right))
    entry = replace(made.members[0], envelope=digest(envelope))
    ((name, page),) = spread([entry]).items()
    listed = replace(made.desired, pages=(name,))
    broker = {
        door.topics.people_desired: sign(listed, [office.keys.signing]),
        door.topics.people_page(name): page,
        door.topics.people_envelope(entry.envelope): envelope,
    }
    door.fetch(broker)
    assert door.names() == set()
    assert "another door, person, network or generation" in door.report().refused[anna.person]
    assert (door.report().generation, door.report().known) == (1, 0)


def test_a_disk_that_is_full_is_said_and_leaves_nothing_half(
    office: Office, door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.add("Anna", "staff")
    office.publish("door1")

    def full(*_: object) -> None:
        raise VaultError("the people database cannot grow: the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("edge.vault.members.Members.obey", full)
        with pytest.raises(VaultError, match="disk is full"):
            door.fetch(office.broker)
        assert "disk is full" in door.report().refused["list"]
        assert (door.names(), door.report().generation) == (set(), 0)
    door.fetch(office.broker)  # as link does again and again
    assert (door.names(), door.report().refused) == ({"Anna"}, {})


def test_two_offices_with_one_key_are_told_apart(
    tmp_path: Path, office: Office, door: Door
) -> None:
    """Two operators with a copy of the book each: the second list says so, and nobody changes."""
    office.add("Anna", "staff")
    copy = tmp_path / "copy"
    copy.mkdir()
    office.book.close()
    for name in ("people.key", "office.db"):
        shutil.copy(tmp_path / name, copy)
    office.book = Book(tmp_path / "office.db", office.keys.book)
    second = Office(Book(copy / "office.db", office.keys.book), office.keys)
    office.publish("door1")
    door.fetch(office.broker)
    second.add("Bo", "staff")
    second.publish("door1")
    with pytest.raises(RosterError, match="two different lists of people have the number 1"):
        door.fetch(second.broker)
    second.publish("door1")
    with pytest.raises(RosterError, match="two people changed it at once"):
        door.fetch(second.broker)
    assert door.names() == {"Anna"}
    second.book.close()


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

    monkeypatch.setattr("edge.ledger.ledger.Ledger.append_all", full)
    with pytest.raises(EdgeDoorError):
        door.fetch(office.broker)
    monkeypatch.undo()
    assert door.names() == set()
    assert door.vault.members.head().generation == 0


def storm(folder: Path, seed: int, rounds: int) -> None:
    """An hour with a broker that drops, repeats, mixes up and forges; then an honest one.

    Whoever a door knows must be on the list that it says it obeys, as the office made that list,
    by a face that was once theirs.
    """
    dice = random.Random(seed)
    office, rogue = Office.at(folder), Office.at(folder / "rogue")
    doors = [Door.at(folder, f"door{n}", office.keys.public) for n in range(3)]
    groups = [("staff",), ("staff", "lab"), ("kitchen",)]
    for one, theirs in zip(doors, groups, strict=True):
        office.trust(one, *theirs)
        rogue.trust(one, *theirs)
    rogue.add("Mallory", "staff", "lab", "kitchen")
    sent: list[tuple[Posted, bytes]] = []
    lists: dict[tuple[str, int], set[str]] = {(d.topics.device, 0): set() for d in doors}
    faces: dict[str, list[Floats]] = {}
    for turn in range(rounds):
        _change(office, dice, turn, faces)
        for one in doors:
            device = one.topics.device
            source = rogue if dice.random() < 0.2 else office
            sent += _news(source, device)
            if source is office:
                generation = office.book.doors.find(device).generation
                lists[device, generation] = _belonging(office, device)
        dice.shuffle(sent)
        for one in doors:
            _storm_at(one, sent[: dice.randrange(len(sent) + 1)], dice)
            generation = one.vault.members.head().generation
            held = one.vault.members.held()
            assert set(held) <= lists[one.topics.device, generation], (seed, turn)
            _require_own_faces(one, held, faces)
        del sent[90:]
    for one in doors:
        device = one.topics.device
        office.publish(device)
        one.fetch(office.broker)
        called = {member.person: member.name for member in one.vault.members.held().values()}
        right = {each.person: each.name for each in office.book.people()}
        assert called == {person: right[person] for person in _belonging(office, device)}, seed
        assert one.report().refused == {}
        assert one.report().waiting == 0
        assert one.ledger.verify() == []
        one.close()
    office.book.close()
    rogue.book.close()


def _belonging(office: Office, device: str) -> set[str]:
    groups = set(office.book.doors.find(device).groups)
    return {one.person for one in office.book.people() if groups & set(one.groups)}


def _require_own_faces(
    door: Door, held: Mapping[str, Member], faces: Mapping[str, Sequence[Floats]]
) -> None:
    """Nobody passes by another's face, whatever became of names and templates."""
    numbers = {member.name: person for person, member in held.items()}
    for template in door.vault.plain_templates(MODEL):
        theirs = faces[numbers[template.person]]
        assert any(np.allclose(template.vectors, each, atol=2e-3) for each in theirs)


def _news(office: Office, device: str) -> list[tuple[Posted, bytes]]:
    """What is published now that was not there before."""
    before = dict(office.broker)
    office.publish(device)
    news = {topic: payload for topic, payload in office.broker.items() if topic not in before}
    news |= {t: office.broker[t] for t in before if before[t] != office.broker[t]}
    return [(_what(topic), payload) for topic, payload in news.items()]


def _storm_at(door: Door, sent: list[tuple[Posted, bytes]], dice: random.Random) -> None:
    for what, payload in sent:
        with contextlib.suppress(RosterError):
            door.take(what, _bent(payload, dice) if dice.random() < 0.2 else payload)
    if dice.random() < 0.5:
        door.roster.settle()


def _what(topic: str) -> Posted:
    if "/page/" in topic:
        return Posted.PAGE
    return Posted.ENVELOPE if "/envelope/" in topic else Posted.LIST


def _change(office: Office, dice: random.Random, turn: int, faces: dict[str, list[Floats]]) -> None:
    """Somebody comes, goes, moves, has another name or exchanges theirs, or a new template."""
    book, people = office.book, office.book.people()
    what = dice.choice(["come", "come", "go", "move", "rename", "exchange", "renew"])
    groups = tuple(dice.sample(["staff", "lab", "kitchen"], dice.randrange(1, 3)))
    if len(people) < 2 or what == "come":
        come = office.add(f"P{turn}", *groups)
        faces[come.person] = [vectors_of(come.name)]
        return
    one, other = dice.sample(people, 2)
    if what == "go":
        book.remove(one)
    elif what == "move":
        book.change(one, replace(one, groups=groups))
    elif what == "rename":
        book.rename(one, f"Q{turn}")
    elif what == "exchange":
        for step, (each, name) in enumerate(((one, "X"), (other, one.name), (one, other.name))):
            book.rename(replace(each, name="X") if step == 2 else each, name)
    else:
        fresh = vectors_of(f"R{turn}")
        book.change(one, one, Content(fresh))
        faces[one.person].append(fresh)


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
    door.fetch(office.broker)
    content = office.book.content(anna)
    seen = b"".join(office.broker.values()) + door.said()
    seen += b"".join(p.read_bytes() for p in door.config.paths.state.rglob("*") if p.is_file())
    for raw in (content.vectors.astype("<f2").tobytes(), content.vectors.astype("<f4").tobytes()):
        assert not any(raw[i : i + 8] in seen for i in range(0, len(raw) - 8, 4))
    (page,) = (data for topic, data in office.broker.items() if "/page/" in topic)
    (envelope,) = (data for topic, data in office.broker.items() if "/envelope/" in topic)
    assert digest(envelope) in page.decode("ascii")
