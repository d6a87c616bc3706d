"""One person on a list whom a door cannot read or take in: everybody else is obeyed all the same,
and whoever was removed is forgotten."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.access.schedule import Verdict
from edge.office.rows import Person
from edge.records import Reason
from edge.roster.desired import sign
from edge.roster.envelope import Address, Content, lock
from edge.roster.pages import Member, digest
from tests.support.centre import MODEL, Door, Office, publish_otherwise, vectors_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def door(tmp_path: Path, office: Office) -> Iterator[Door]:
    """Knows Bo, who will be removed, and Carl, with whom something will be wrong."""
    made = Door.at(tmp_path, "door1", office.keys.public)
    office.trust(made, "staff")
    office.add("Bo", "staff")
    office.add("Carl", "staff")
    office.publish("door1")
    made.fetch(office.broker)
    assert made.names() == {"Bo", "Carl"}
    yield made
    made.close()


@pytest.mark.parametrize(
    "wrong",
    [
        {"schedule": ["foo"]},
        {"schedule": "always"},
        {"name": "Carl\n"},
        {"expires": "soon"},
        {"sealed": 10**30},
        {"envelope": "facelock/+/lock/set"},
        {"person": "../../etc"},
        {"person": 7},
        {"schedule": ["mon 07:00-19:00"] * 400},
    ],
    ids=str,
)
def test_one_bad_entry_keeps_nobody_else_in_or_out(
    office: Office, door: Door, wrong: dict[str, object]
) -> None:
    bo, carl = office.book.person("Bo"), office.book.person("Carl")
    office.book.remove(bo)
    office.add("Anna", "staff")
    publish_otherwise(office, door, {"Carl": wrong})
    door.fetch(office.broker)
    assert door.names() == {"Anna"}, "who cannot be read is on no list"
    assert {bo.person, carl.person} <= set(door.report().erased)
    ((who, why),) = door.report().refused.items()
    assert who != "list"
    assert "Carl" in why
    assert door.reasons().count(Reason.ROSTER_REFUSED) == 1
    office.publish("door1")  # mended
    door.fetch(office.broker)
    assert door.names() == {"Anna", "Carl"}
    assert door.report().refused == {}
    assert door.ledger.verify() == []


def test_a_page_that_is_none_keeps_no_removal(office: Office, door: Door) -> None:
    bo = office.book.person("Bo")
    office.book.remove(bo)
    made = office.publish("door1")
    rubbish = b"\xff no page"
    office.broker[door.topics.people_page(digest(rubbish))] = rubbish
    listed = replace(made.desired, pages=(*made.desired.pages, digest(rubbish)))
    office.broker[door.topics.people_desired] = sign(listed, [office.keys.signing])
    door.fetch(office.broker)
    assert door.names() == {"Carl"}
    (why,) = door.report().refused.values()
    assert "nobody on it is known" in why


def odd_contents() -> Iterator[tuple[str, Content | bytes]]:
    """What no network of this door made."""
    right = vectors_of("Anna")
    yield "of another length", Content(vectors_of("Anna", size=8))
    yield "far too long", Content(right * 30)
    yield "nothing", Content(right * 0)
    yield "no number", Content(np.full_like(right, np.nan))
    yield "without end", Content(np.full_like(right, np.inf))
    yield "a card that is none", Content(right, ("a card",))
    yield "a PIN that is none", Content(right, pin="12")
    yield "no JSON", b"x"


@pytest.mark.parametrize("content", [pytest.param(each, id=name) for name, each in odd_contents()])
def test_one_bad_envelope_keeps_nobody_else_in_or_out(
    office: Office, door: Door, content: Content | bytes
) -> None:
    """Vectors of another length once would have kept sight from starting at all."""
    office.book.remove(office.book.person("Bo"))
    anna = office.add("Anna", "staff")
    office.add("Dora", "staff")
    made = office.publish("door1")
    door.fetch({t: p for t, p in office.broker.items() if "envelope" not in t})
    (entry,) = (member for member in made.members if member.person == anna.person)
    envelope = _sealed(content, door, entry)
    topic = door.topics.people_envelope(digest(envelope))
    office.broker[topic] = envelope
    publish_otherwise(office, door, {"Anna": {"envelope": digest(envelope)}})
    door.fetch(office.broker)
    assert door.names() == {"Carl", "Dora"}
    assert door.verdict("Carl") is Verdict.ALLOWED
    ((who, why),) = door.report().refused.items()
    assert who == anna.person
    assert "Anna is not taken in" in why
    assert door.report().waiting == 0


def _sealed(content: Content | bytes, door: Door, entry: Member) -> bytes:
    plain = content if isinstance(content, bytes) else content.to_json("<f2")
    address = Address("door1", entry.person, MODEL, entry.sealed)
    return lock(plain, door.report().key, address.info)


def test_the_office_leaves_out_whom_it_cannot_seal(office: Office, door: Door) -> None:
    """A row of the book that was damaged: the removal beside it is published all the same."""
    office.book.remove(office.book.person("Bo"))
    anna = office.add("Anna", "staff")
    office.book._store.query(
        "UPDATE people SET content = zeroblob(40) WHERE person = ?", (anna.person,)
    )
    made = office.publish("door1")
    assert set(made.left_out) == set(office.book.left_out("door1")) == {anna.person}
    assert "Anna" in made.left_out[anna.person]
    door.fetch(office.broker)
    assert door.names() == {"Carl"}


def test_the_office_writes_nobody_down_whom_no_door_could_read(office: Office) -> None:
    for person in (
        Person("", "Ann\ta", ("staff",), model=MODEL),
        Person("", "Anna", ("staff",), ("mon 25:00-26:00",), model=MODEL),
        Person("", "Anna", ("staff",), ("mon 07:00-19:00",) * 400, model=MODEL),
    ):
        with pytest.raises(Exception, match="cannot stand on a list of people"):
            office.book.add(person, Content(vectors_of("Anna")))
    assert office.book.people() == []
