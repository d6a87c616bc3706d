"""The office's book: who is where, and the lists that follow from it."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.errors import RosterError, UsageError
from edge.office.book import Book
from edge.office.rows import SCHEMA, Person
from edge.roster.envelope import SEED_BYTES, Address, Content, DoorKey, fingerprint
from edge.roster.pages import gather
from edge.roster.plan import plan
from edge.roster.report import Report
from edge.store import Store
from edge.wire.messages import Posted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edge.office.book import Made
    from edge.records import Floats

MODEL, OTHER_MODEL = "m" * 64, "n" * 64
KEY = DoorKey(os.urandom(SEED_BYTES))


def report(device: str = "door1", **changes: object) -> Report:
    return replace(Report(device, 0, "", MODEL, KEY.public), **changes)  # type: ignore[arg-type]


def content(seed: int = 0) -> Content:
    vectors = np.random.default_rng(seed).normal(size=(4, 64)).astype(np.float32)
    return Content(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), ("0042",))


def unit(captures: int, size: int) -> Floats:
    return np.full((captures, size), size**-0.5, np.float32)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[Book]:
    with Book(tmp_path / "office.db", b"k" * 32) as opened:
        opened.doors.trust(report(), ["staff", "lab"], fingerprint(KEY.public))
        yield opened


def anna(**changes: object) -> Person:
    return replace(Person("", "Anna", ("staff",), model=MODEL), **changes)  # type: ignore[arg-type]


def test_a_door_gets_its_groups_and_nobody_else(book: Book) -> None:
    added = book.add(anna(), content())
    book.add(anna(name="Bo", groups=("kitchen",)), content(1))
    made = book.make("door1", None)
    assert [member.name for member in made.members] == ["Anna"]
    (member,) = made.members
    envelope, page = sorted(book.shelf.to_post("door1"), key=lambda piece: piece.kind.value)
    assert gather([page.data]).members == made.members
    assert envelope.hashed == member.envelope
    opened = KEY.open(envelope.data, Address("door1", added.person, MODEL, member.sealed))
    assert np.allclose(opened.vectors, content().vectors, atol=1e-3)
    assert opened.cards == ("0042",)


def test_an_unchanged_template_is_not_sealed_again(book: Book) -> None:
    book.add(anna(), content())
    first = book.make("door1", None)
    assert len(book.shelf.to_post("door1")) == 2
    book.posted("door1")
    second = book.make("door1", None)
    assert second.members == first.members
    assert (second.desired.generation, second.desired.previous) == (2, first.desired.digest)
    assert book.shelf.to_post("door1") == book.shelf.to_clear("door1") == []
    assert len(book.shelf.to_post("door1", every=True)) == 2


def test_a_new_template_a_move_and_a_removal_reach_the_list(book: Book) -> None:
    person = book.add(anna(), content())
    first = book.make("door1", None)
    changed = replace(person, schedule=("daily 08:00-12:00",))
    book.change(person, changed, content(2))
    second = book.make("door1", None)
    assert second.members[0].envelope != first.members[0].envelope
    gone = {piece.hashed for piece in book.shelf.to_clear("door1")}
    assert gone == {first.members[0].envelope, *first.desired.pages}
    book.cleared("door1")
    book.remove(changed)
    third = book.make("door1", None)
    assert (third.members, third.desired.pages) == ((), ())
    gone = {piece.hashed for piece in book.shelf.to_clear("door1")}
    assert gone == {second.members[0].envelope, *second.desired.pages}
    held = {m.person: m for m in second.members}
    assert plan(third.desired, third.members, held).removed == (person.person,)


def test_two_operators_cannot_overwrite_each_other(book: Book) -> None:
    person = book.add(anna(), content())
    book.change(person, replace(person, groups=("lab",)))
    with pytest.raises(UsageError, match="changed by somebody else at this moment"):
        book.change(person, replace(person, schedule=("daily 08:00-12:00",)))
    assert book.people()[0].groups == ("lab",)


def test_what_the_broker_did_not_take_is_posted_again(book: Book) -> None:
    book.add(anna(), content())
    book.make("door1", None)  # and the broker was away
    book.add(anna(name="Bo"), content(1))
    made = book.make("door1", None)
    kinds = [piece.kind for piece in book.shelf.to_post("door1")]
    assert sorted(kinds) == [Posted.ENVELOPE, Posted.ENVELOPE, Posted.PAGE]
    wanted = book.shelf.wanted("door1", [made.members[0].envelope])
    assert [piece.hashed for piece in wanted] == [made.members[0].envelope]


def test_a_template_that_no_broker_takes_is_refused_at_enrolment(book: Book) -> None:
    large = Content(unit(60, 512))
    with pytest.raises(UsageError, match="enrol with fewer pictures"):
        book.add(anna(), large)
    assert book.people() == []
    book.add(anna(), Content(unit(12, 1024)))  # two networks, every capture
    book.make("door1", None)
    envelope, _ = sorted(book.shelf.to_post("door1"), key=lambda one: one.kind.value)
    assert len(envelope.data) < 64_000


def test_an_erasure_is_followed_door_by_door(book: Book) -> None:
    person = book.add(anna(), content())
    book.doors.trust(report("door2"), ["staff"], fingerprint(KEY.public))
    for device in ("door1", "door2"):
        book.make(device, None)
    book.remove(person)
    assert [(one.device, one.generation) for one in book.erasures.all()] == [
        ("door1", None),
        ("door2", None),
    ]
    book.make("door1", None)
    book.make("door2", None)
    book.heard(report("door1", generation=2, digest="x", erased={person.person: 5.0}))
    book.heard(report("door2", generation=1, digest="x"))
    first, second = book.erasures.all()
    assert (first.forgotten, first.obeyed) == (5.0, True)
    assert (second.forgotten, second.obeyed) == (None, False)
    book.heard(report("door2", generation=2, digest="x"))  # it never had them
    assert book.erasures.all()[1].obeyed


def test_a_receipt_of_an_earlier_time_is_none(book: Book) -> None:
    """Somebody went from a door and came back, and is removed then: the door still knows them."""
    person = book.add(anna(), content())
    book.make("door1", None)
    early = {person.person: 5.0}
    book.heard(report(generation=1, digest="x", erased=early))
    book.remove(person)
    book.heard(report(generation=1, digest="x", erased=early))  # as `publish` does first
    assert book.erasures.all()[0].forgotten is None
    book.make("door1", None)
    book.heard(report(generation=1, digest="x", erased=early))
    assert book.erasures.all()[0].forgotten is None
    book.heard(report(generation=2, digest="y", erased={person.person: 9.0}))
    assert book.erasures.all()[0].forgotten == 9.0


def test_a_receipt_of_a_move_counts_until_the_door_has_them_again(book: Book) -> None:
    """A door tells its newest receipts alone, and may have given it long before the removal."""
    person = book.add(anna(), content())
    book.make("door1", None)
    book.change(person, moved := replace(person, groups=("elsewhere",)))
    book.make("door1", None)
    book.heard(report(generation=2, digest="x", erased={person.person: 5.0}))
    book.change(moved, person)
    book.make("door1", None)
    # It waits for the envelope, and its receipt is still that of before.
    book.heard(report(generation=3, digest="y", erased={person.person: 5.0}))
    book.change(person, moved)
    book.make("door1", None)
    book.heard(report(generation=4, digest="z", erased={person.person: 9.0}))
    book.heard(report(generation=4, digest="z"))
    book.remove(moved)
    (erasure,) = book.erasures.all()
    assert (erasure.generation, erasure.forgotten, erasure.obeyed) == (4, 9.0, 1)


def test_erasures_of_before_are_kept(tmp_path: Path) -> None:
    store = Store.open(tmp_path / "office.db", replace(SCHEMA, migrations=SCHEMA.migrations[:4]))
    store.query("INSERT INTO doors VALUES ('door1', ?, ?, '[]', 3, 'd', 0)", (KEY.public, MODEL))
    store.query("INSERT INTO erasures VALUES ('p1', 'Anna', 1.0, 'door1', 2, 5.0, 1)")
    store.query("INSERT INTO beyond VALUES ('door2', 'p2')")
    row = "('door1', 'envelope', 'h', x'00', 1, 1, 'p2', 1, 'k', 2)"
    store.query(f"INSERT INTO pieces VALUES {row}")
    store.close()
    with pytest.raises(RosterError, match=r"older edge-door\. `edge-door office status` brings"):
        Book(tmp_path / "office.db", b"k" * 32, read_only=True)  # no office starts a door
    with Book(tmp_path / "office.db", b"k" * 32) as opened:
        (erasure,) = opened.erasures.all()
        assert (erasure.name, erasure.device, erasure.forgotten) == ("Anna", "door1", 5.0)
        opened.erasures.begin(anna(person="p2", name="Bo"), 2.0)
        assert [one.device for one in opened.erasures.all()[:2]] == ["door1", "door2"]


def test_an_erasure_names_a_door_that_was_stolen(book: Book) -> None:
    person = book.add(anna(), content())
    book.make("door1", None)
    book.doors.distrust("door1")
    book.shelf_gone("door1")
    book.remove(person)
    (erasure,) = book.erasures.all()
    assert (erasure.device, erasure.forgotten, erasure.obeyed) == ("door1", None, 0)


def test_a_door_that_is_not_trusted_any_more_gets_nothing(book: Book) -> None:
    book.add(anna(), content())
    book.make("door1", None)
    book.doors.distrust("door1")
    with pytest.raises(UsageError, match="does not know a door"):
        book.make("door1", None)


def test_a_number_is_not_used_again_for_a_door_that_is_set_up_anew(book: Book) -> None:
    """It began at 1, and every list that was ever signed for its name counted as a newer one."""
    book.add(anna(), content())
    last = [book.make("door1", None).desired for _ in range(3)][-1]
    book.doors.distrust("door1")
    another = DoorKey(os.urandom(SEED_BYTES))
    for key in (another, KEY):  # set up anew, or come back as it was
        back = report(key=key.public)
        book.doors.trust(back, ["staff"], fingerprint(key.public))
        made = book.make("door1", None).desired
        assert (made.generation, made.previous) == (last.generation + 1, last.digest)
        book.doors.distrust("door1")
        last = made


def test_distrusting_that_was_cut_short_can_be_said_again(book: Book) -> None:
    book.add(anna(), content())
    book.make("door1", None)
    book.doors.distrust("door1")
    book.doors.distrust("door1")
    with pytest.raises(UsageError, match="does not know a door 'door2'"):
        book.doors.distrust("door2")


def test_a_book_of_before_is_brought_up_to_date(tmp_path: Path) -> None:
    first = replace(SCHEMA, migrations=SCHEMA.migrations[:1])
    store = Store.open(tmp_path / "office.db", first)
    row = ("door1", KEY.public, MODEL, '["staff"]')
    store.query("INSERT INTO doors VALUES (?, ?, ?, ?, 3, 'd')", row)
    sealed = ("door1", "p1", 1, KEY.public, 2, "a" * 64, b"envelope")
    store.query("INSERT INTO envelopes VALUES (?, ?, ?, ?, ?, ?, ?)", sealed)
    store.query("INSERT INTO gone VALUES ('door1', ?)", ("b" * 64,))
    store.close()
    with pytest.raises(RosterError, match=r"older edge-door\. `edge-door office status` brings"):
        Book(tmp_path / "office.db", b"k" * 32, read_only=True)  # no office starts a door
    with Book(tmp_path / "office.db", b"k" * 32) as opened:
        assert opened.doors.find("door1").generation == 3
        assert opened.shelf.envelope(opened.doors.find("door1"), "p1", 1) == (2, "a" * 64)
        assert [piece.hashed for piece in opened.shelf.to_clear("door1")] == ["b" * 64]


def test_a_visitor_leaves_the_list_with_their_day(book: Book) -> None:
    book.add(anna(expires=2000.0), content())
    assert book.make("door1", 60.0, now=1000.0).desired.lease == 1060.0
    assert len(book.make("door1", None, now=1999.0).members) == 1
    assert book.make("door1", None, now=2000.0).members == ()


def test_a_door_with_another_network_is_told(book: Book) -> None:
    added = book.add(anna(model=OTHER_MODEL), content())
    made = book.make("door1", None)
    assert made.members == ()
    assert book.left_out("door1") == made.left_out
    assert "enrol them again" in made.left_out[added.person]


def test_a_key_that_was_changed_on_the_way_is_not_trusted(book: Book) -> None:
    stranger = DoorKey(os.urandom(SEED_BYTES))
    with pytest.raises(UsageError, match="somebody has changed it"):
        book.doors.trust(report("door2", key=stranger.public), ["staff"], fingerprint(KEY.public))
    assert [door.device for door in book.doors.all()] == ["door1"]
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
        opened.doors.trust(report(), ["staff"], fingerprint(KEY.public))
        opened.add(anna(), content())
    with Book(tmp_path / "office.db", b"x" * 32) as other:
        made = other.make("door1", None)
    assert made.members == ()
    assert "does not open with this key" in next(iter(made.left_out.values()))


def alike(book: Book, made: Made) -> dict[str, tuple[str, ...]]:
    """Whom each resembles, as the envelopes say that alone."""
    sealed = {piece.hashed: piece.data for piece in book.shelf.to_post("door1", every=True)}
    return {
        one.name: KEY.open(
            sealed[one.envelope], Address("door1", one.person, MODEL, one.sealed)
        ).resembles
        for one in made.members
    }


def test_another_name_keeps_the_template_and_who_resembles_whom(book: Book) -> None:
    added = book.add(anna(), content())
    ella = book.add(anna(name="Ella"), content(1))
    book.tell_apart(ella, "Anna", "sisters")
    first = book.make("door1", None)
    assert book.person("ANNA") == added, "as a person types it"
    with pytest.raises(UsageError, match="somebody else in the book is called"):
        book.rename(added, "ELLA")
    with pytest.raises(UsageError, match="is not a name"):
        book.rename(added, "\t")
    book.rename(added, "Berta")
    second = book.make("door1", None)
    assert alike(book, second) == {"Berta": ("Ella",), "Ella": ("Berta",)}
    kept = {m.envelope for m in second.members} & {m.envelope for m in first.members}
    assert len(kept) == 1, "Ella's says whom she resembles"
    with pytest.raises(UsageError, match="Ella is in the book already"):
        book.take_in(anna(name="ella"), content(2), replace_old=False)


def test_names_that_are_not_one_are_said(book: Book) -> None:
    book.add(anna(), content())
    second = book.add(anna(), content(1))
    with pytest.raises(UsageError, match="2 people are called 'Anna'"):
        book.person("Anna")
    assert book.person(second.person) == second
    with pytest.raises(UsageError, match="does not know a door 'attic'"):
        book.make("attic", None)


def test_an_old_report_again_says_nothing_of_the_network(book: Book) -> None:
    """Else a broker that kept one had the next list leave everybody out."""
    book.add(anna(model=OTHER_MODEL), content())
    book.heard(report(generation=3, digest="d", model=OTHER_MODEL))
    book.heard(report(generation=2, digest="c", model=MODEL))
    assert book.doors.find("door1").model == OTHER_MODEL
    assert [member.name for member in book.make("door1", None).members] == ["Anna"]
    book.heard(report(generation=3, digest="d", model=MODEL))
    assert book.doors.find("door1").model == MODEL


def test_hours_that_no_door_could_read_are_refused_here(book: Book) -> None:
    anna = book.add(Person("", "Anna", ("staff",), (), None, MODEL), content())
    with pytest.raises(
        UsageError, match="Anna cannot stand on a list of people: 'foo' is not like"
    ):
        book.change(anna, replace(anna, schedule=("foo",)))
    assert book.person("Anna") == anna
