"""What a stranger on the broker, odd clocks and odd names do to a door's people: nothing."""

from __future__ import annotations

import contextlib
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from edge.access.schedule import Schedule, Verdict
from edge.errors import EdgeDoorError, RosterError
from edge.moment import Moment
from edge.roster.envelope import Content
from edge.wire.messages import Posted
from tests.support.centre import Door, Office, vectors_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HOUR_S = 3600.0


@pytest.fixture
def door(tmp_path: Path, office: Office) -> Iterator[Door]:
    """It knows Anna, by list 1."""
    made = Door.at(tmp_path, "door1", office.keys.public)
    office.trust(made, "staff")
    office.add("Anna", "staff")
    office.publish("door1", lease_s=HOUR_S)
    made.fetch(office.broker)
    yield made
    made.close()


def test_whatever_is_sent_in_a_lists_place_changes_nobody(office: Office, door: Door) -> None:
    office.add("Bo", "staff")
    office.publish("door1")
    right = office.broker[door.topics.people_desired]
    fields = json.loads(right)
    twice = right[:-1] + b',"body":' + json.dumps(fields["body"].replace("door1", "door2")).encode()
    far = {'"generation":9', '"generation":1e99', '"generation":-1', '"generation":null'}
    bodies = [fields["body"].replace('"generation":2', each) for each in far]
    signatures = fields["signatures"]
    wrong = [dict.fromkeys(signatures, "AAAA"), dict.fromkeys(map(str, range(3000)), "AAAA"), [1]]
    sent = [
        *(right[:size] for size in range(0, len(right), 97)),
        right + right,
        twice + b"}",
        b"[" * 60_000,
        b'{"body":' * 10_000,
        b'"' + b"x" * 100_000 + b'"',
        *(json.dumps({**fields, "body": body}).encode() for body in bodies),
        *(json.dumps({**fields, "signatures": each}).encode() for each in wrong),
    ]
    for message in sent:
        with pytest.raises(RosterError):
            door.take(Posted.LIST, message)
        assert (door.names(), door.vault.members.head().generation) == ({"Anna"}, 1)
    door.fetch(office.broker)
    assert door.names() == {"Anna", "Bo"}


def test_one_persons_envelope_in_anothers_place_is_nobodys(office: Office, door: Door) -> None:
    """Swapped by the broker: a page names envelopes by their hash."""
    for name in ("Bo", "Cy"):
        office.add(name, "staff")
    made = office.publish("door1")
    places = [door.topics.people_envelope(one.envelope) for one in made.members]
    swapped = {**office.broker}
    for place, other in zip(places, places[1:] + places[:1], strict=True):
        swapped[place] = office.broker[other]
    door.take(Posted.LIST, swapped[door.topics.people_desired])
    for page in door.report().pages:
        door.take(Posted.PAGE, swapped[door.topics.people_page(page)])
    for envelope in door.report().envelopes:  # each is somebody's, by its hash, or nobody's
        with contextlib.suppress(RosterError):
            door.take(Posted.ENVELOPE, swapped[door.topics.people_envelope(envelope)])
    door.roster.settle()
    right = {one.name: office.book.content(one).vectors for one in office.book.people()}
    for template in door.vault.plain_templates(door.report().model):
        assert template.vectors == pytest.approx(right[template.person], abs=2e-3)


def test_pieces_in_any_order_and_twice_make_no_list(office: Office, door: Door) -> None:
    office.publish("door1")
    right = office.broker[door.topics.people_desired]
    door.take(Posted.LIST, right, piece=300)
    for message in (right[300:] + right[:300], right[:300] + right[:300]):
        with pytest.raises(RosterError):
            door.take(Posted.LIST, message, piece=300)
    with pytest.raises(RosterError, match="a piece of the list of people is missing"):
        door.take(Posted.LIST, right, piece=len(right) // 6)
    assert door.vault.members.head().generation == 2


def verdict(door: Door, wall: float, *, trusted: bool = True) -> Verdict:
    return door.roster.schedule(Schedule({})).verdict("Anna", Moment("b", 1.0, wall, trusted))


def test_a_clock_that_jumps_and_a_lease(door: Door) -> None:
    now = time.time()
    assert verdict(door, now) is Verdict.ALLOWED
    assert verdict(door, now + HOUR_S + 1) is Verdict.LAPSED
    assert verdict(door, now + 50 * 365 * 86_400) is Verdict.LAPSED
    assert verdict(door, now, trusted=False) is Verdict.CLOCK_UNTRUSTED
    assert verdict(door, now - 86_400) is Verdict.ALLOWED  # the ledger's floor forbids such a clock


def test_a_visitor_whose_end_comes_while_the_door_hears_nothing(office: Office, door: Door) -> None:
    end = time.time() + 60
    guest = office.add("Guest", "staff", until=end)
    office.publish("door1")
    door.fetch(office.broker)
    assert door.verdict("Guest", end - 1) is Verdict.ALLOWED
    assert door.verdict("guest", end) is Verdict.LAPSED
    assert "Guest" in door.names(), "until it hears of it, the door keeps what it may not use"
    office.publish("door1", now=end)
    door.fetch(office.broker)
    assert "Guest" not in door.names()
    assert guest.person in door.report().erased


def test_somebody_of_the_same_name_after_a_removal_is_another_person(
    office: Office, door: Door
) -> None:
    (before,) = office.book.people()
    office.book.remove(before)
    again = office.add("ANNA", "staff", face="Another Anna")
    office.publish("door1")
    removal = {t: p for t, p in office.broker.items() if "envelope" not in t}
    door.fetch(removal)  # the new envelope has not come: nobody passes by the old face
    assert door.names() == set()
    assert set(door.report().erased) == {before.person}
    door.fetch(office.broker)
    (template,) = door.vault.plain_templates(door.report().model)
    assert template.person == "ANNA"
    assert template.vectors == pytest.approx(office.book.content(again).vectors, abs=2e-3)


@pytest.mark.parametrize("names", [("Zoë", "Zoe\u0308"), ("Straße", "STRASSE"), ("Ödön", "ödön")])
def test_names_that_are_one_when_folded(office: Office, door: Door, names: tuple[str, str]) -> None:
    """The door takes one of them in and says why not the other: never both, never a mix."""
    people = [office.add(name, "staff", face=f"face {n}") for n, name in enumerate(names)]
    office.publish("door1")
    door.fetch(office.broker)
    refused = door.report().refused
    (one,) = (person for person in people if person.person in refused)
    (other,) = (person for person in people if person.person not in refused)
    assert f"{one.name} is not taken in: somebody else from the" in refused[one.person]
    assert len(door.names()) == 2
    vectors = {t.person: t.vectors for t in door.vault.plain_templates(door.report().model)}
    (known,) = set(vectors) - {"Anna"}
    assert vectors[known] == pytest.approx(office.book.content(other).vectors, abs=2e-3)


@pytest.mark.parametrize("renewed", [False, True])
def test_two_exchange_their_names(office: Office, door: Door, *, renewed: bool) -> None:
    """Though one may have to wait for the other's new template."""
    (anna,) = office.book.people()
    bo = office.add("Bo", "staff")
    office.publish("door1")
    door.fetch(office.broker)
    office.book.change(anna, replace(anna, name="Bo"))
    content = Content(vectors_of("Bo, older")) if renewed else None
    office.book.change(bo, replace(bo, name="Anna"), content)
    office.publish("door1")
    door.fetch(office.broker)
    assert door.names() == {"Anna", "Bo"}
    assert door.report().refused == {}
    faces = {t.person: t.vectors for t in door.vault.plain_templates(door.report().model)}
    held = {member.person: member.name for member in door.vault.members.held().values()}
    assert held == {anna.person: "Bo", bo.person: "Anna"}
    for person in (anna, bo):  # nobody's face goes under the other's number
        right = office.book.content(person).vectors
        assert faces[held[person.person]] == pytest.approx(right, abs=2e-3)


def test_an_end_that_is_withheld_with_its_envelope_counts(office: Office, door: Door) -> None:
    (anna,) = office.book.people()
    end = time.time() + 60
    office.book.change(anna, replace(anna, expires=end), office.book.content(anna))
    office.publish("door1")
    door.fetch({t: p for t, p in office.broker.items() if "envelope" not in t})
    assert door.report().waiting == 1
    assert door.verdict("Anna", end + 1) is Verdict.LAPSED


def test_a_flood_of_lists_is_a_sentence_each_and_few_lines_in_the_record(door: Door) -> None:
    before = door.ledger.written()
    for number in range(300):
        with pytest.raises(EdgeDoorError):
            door.take(Posted.LIST, b'{"body": "%d", "signatures": {}}' % number)
    assert door.ledger.written() - before <= 61
