"""The office's book: who is where, and the lists that follow from it."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.errors import RosterError, UsageError
from edge.office.book import Book
from edge.office.rows import Person
from edge.roster.envelope import SEED_BYTES, Address, Content, DoorKey, fingerprint
from edge.roster.plan import Head, plan
from edge.roster.report import Report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODEL, OTHER_MODEL = "m" * 64, "n" * 64
KEY = DoorKey(os.urandom(SEED_BYTES))


def report(device: str = "door1", **changes: object) -> Report:
    return replace(Report(device, 0, "", MODEL, KEY.public), **changes)  # type: ignore[arg-type]


def content(seed: int = 0) -> Content:
    vectors = np.random.default_rng(seed).normal(size=(4, 64)).astype(np.float32)
    return Content(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), ("0042",))


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    with Book(tmp_path / "office.db", b"k" * 32) as opened:
        opened.trust(report(), ["staff", "lab"], fingerprint(KEY.public))
        yield opened


def anna(**changes: object) -> Person:
    return replace(Person("", "Anna", ("staff",), model=MODEL), **changes)  # type: ignore[arg-type]


def test_a_door_gets_its_groups_and_nobody_else(book: Book) -> None:
    added = book.add(anna(), content())
    book.add(anna(name="Bo", groups=("kitchen",)), content(1))
    made = book.make("door1", None)
    assert [member.name for member in made.desired.members] == ["Anna"]
    (member,) = made.desired.members
    opened = KEY.open(
        made.envelopes[member.envelope], Address("door1", added.person, MODEL, member.sealed)
    )
    assert np.allclose(opened.vectors, content().vectors, atol=1e-3)
    assert opened.cards == ("0042",)


def test_an_unchanged_template_is_not_sealed_again(book: Book) -> None:
    book.add(anna(), content())
    first, second = book.make("door1", None), book.make("door1", None)
    assert second.desired.members == first.desired.members
    assert (second.desired.generation, second.desired.previous) == (2, first.desired.digest)
    assert book.envelopes_gone("door1") == []


def test_a_new_template_a_move_and_a_removal_reach_the_list(book: Book) -> None:
    person = book.add(anna(), content())
    first = book.make("door1", None)
    book.change(replace(person, schedule=("daily 08:00-12:00",)), content(2))
    second = book.make("door1", None)
    assert second.desired.members[0].envelope != first.desired.members[0].envelope
    assert book.envelopes_gone("door1") == list(first.envelopes)
    book.cleared("door1")
    book.remove(person.person)
    third = book.make("door1", None)
    assert third.desired.members == ()
    assert book.envelopes_gone("door1") == list(second.envelopes)
    held = {m.person: m for m in second.desired.members}
    head = Head(2, second.desired.digest)
    assert plan(third.desired, head, held).removed == (person.person,)


def test_a_visitor_leaves_the_list_with_their_day(book: Book) -> None:
    book.add(anna(expires=2000.0), content())
    assert book.make("door1", 60.0, now=1000.0).desired.lease == 1060.0
    assert len(book.make("door1", None, now=1999.0).desired.members) == 1
    assert book.make("door1", None, now=2000.0).desired.members == ()


def test_a_door_with_another_network_is_told(book: Book) -> None:
    added = book.add(anna(model=OTHER_MODEL), content())
    made = book.make("door1", None)
    assert made.desired.members == ()
    assert "enrol them again" in made.left_out[added.person]


def test_a_key_that_was_changed_on_the_way_is_not_trusted(book: Book) -> None:
    stranger = DoorKey(os.urandom(SEED_BYTES))
    with pytest.raises(UsageError, match="somebody has changed it"):
        book.trust(report("door2", key=stranger.public), ["staff"], fingerprint(KEY.public))
    assert [door.device for door in book.doors()] == ["door1"]
    with pytest.raises(RosterError, match="another key than the one that was trusted"):
        book.heard(report(key=stranger.public))


def test_a_restored_book_counts_on_from_what_the_door_has_seen(book: Book) -> None:
    book.heard(report(generation=7, digest="d" * 64))
    made = book.make("door1", None)
    assert (made.desired.generation, made.desired.previous) == (8, "d" * 64)


def test_the_book_shows_no_template_and_no_card(tmp_path: Path) -> None:
    with Book(tmp_path / "office.db", b"k" * 32) as opened:
        opened.add(anna(), content())
    raw = content().vectors.tobytes()
    stored = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"0042" not in stored
    assert not any(raw[i : i + 8] in stored for i in range(0, len(raw) - 8, 4))


def test_another_offices_key_opens_nothing(tmp_path: Path) -> None:
    with Book(tmp_path / "office.db", b"k" * 32) as opened:
        opened.trust(report(), ["staff"], fingerprint(KEY.public))
        opened.add(anna(), content())
    with (
        Book(tmp_path / "office.db", b"x" * 32) as other,
        pytest.raises(RosterError, match="does not open with this key"),
    ):
        other.make("door1", None)


def test_names_that_are_not_one_are_said(book: Book) -> None:
    book.add(anna(), content())
    second = book.add(anna(), content(1))
    with pytest.raises(UsageError, match="2 people are called 'Anna'"):
        book.person("Anna")
    assert book.person(second.person) == second
    with pytest.raises(UsageError, match="does not know a door 'attic'"):
        book.make("attic", None)
