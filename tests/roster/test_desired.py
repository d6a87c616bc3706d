"""Lists of people: signed, numbered, for one door."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import RosterError
from edge.roster.canonical import to_base64
from edge.roster.desired import MAX_PAGES, Desired, add_signature, sign, signers, verify
from edge.roster.pages import Member
from edge.roster.plan import Head, check_order, lapsed, plan

OFFICE, SECOND = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
KEYS = [to_base64(key.public_key().public_bytes_raw()) for key in (OFFICE, SECOND)]
ANNA = Member("p1", "Anna", "a" * 64, 1, ("mon-fri 07:00-19:00",))
BO = Member("p2", "Bó", "b" * 64, 1, (), 2e9)
PEOPLE = ANNA, BO
LIST = Desired("door1", 1, "", 1.7e9, None, ("c" * 64, "d" * 64))
MESSAGE = sign(LIST, [OFFICE])


def test_what_was_signed_is_what_is_read() -> None:
    assert verify(MESSAGE, KEYS, 1, "door1") == LIST


def test_two_signatures_where_two_are_needed() -> None:
    with pytest.raises(RosterError, match="signed by 1 of the keys"):
        verify(MESSAGE, KEYS, 2, "door1")
    assert verify(add_signature(MESSAGE, SECOND), KEYS, 2, "door1") == LIST
    twice = add_signature(MESSAGE, OFFICE)
    with pytest.raises(RosterError, match="signed by 1 of the keys"):
        verify(twice, [KEYS[0], KEYS[0]], 2, "door1")


def test_whose_signatures_are_right_can_be_asked_without_knowing_a_key() -> None:
    assert signers(add_signature(MESSAGE, SECOND)) == (LIST, tuple(sorted(KEYS)))
    forged = MESSAGE.replace(b'"signatures":{"', b'"signatures":{"AAAA":"AAAA","')
    assert signers(forged) == (LIST, (KEYS[0],))


def test_no_key_and_no_quorum_is_nobody() -> None:
    with pytest.raises(RosterError, match="signed by 0"):
        verify(MESSAGE, [], 0, "door1")
    with pytest.raises(RosterError, match="signed by 0"):
        verify(MESSAGE, KEYS[1:], 1, "door1")


def test_a_list_for_another_door() -> None:
    with pytest.raises(RosterError, match="for the door 'door1'"):
        verify(MESSAGE, KEYS, 1, "door2")


@given(st.integers(0, len(MESSAGE) - 1), st.integers(1, 255))
def test_no_changed_byte_is_taken(at: int, flip: int) -> None:
    changed = bytearray(MESSAGE)
    changed[at] ^= flip
    try:
        found = verify(bytes(changed), KEYS, 1, "door1")
    except RosterError:
        return
    assert found == LIST  # a byte that says the same, such as another spelling of base64


@given(
    st.binary(max_size=200)
    | st.recursive(st.none() | st.text(), st.lists).map(
        lambda value: json.dumps({"body": value, "signatures": {}}).encode()
    )
)
def test_whatever_comes_is_a_sentence(message: bytes) -> None:
    with pytest.raises(RosterError):
        verify(message, KEYS, 1, "door1")


@pytest.mark.parametrize(
    "wrong",
    [
        replace(LIST, pages=("x",)),
        replace(LIST, pages=("c" * 64,) * (MAX_PAGES + 1)),
        replace(LIST, previous=1),  # type: ignore[arg-type]
        replace(LIST, issued=None),  # type: ignore[arg-type]
        replace(LIST, generation=0),
        replace(LIST, lease="soon"),  # type: ignore[arg-type]
    ],
)
def test_a_signature_does_not_make_sense_of_nonsense(wrong: Desired) -> None:
    with pytest.raises(RosterError):
        verify(sign(wrong, [OFFICE]), KEYS, 1, "door1")


def test_the_first_list_wants_everybody() -> None:
    found = plan(LIST, PEOPLE, {})
    assert (found.removed, found.updated, found.wanted) == ((), (), (ANNA, BO))
    assert found.head == Head(1, LIST.digest, None)


def test_a_change_touches_whom_it_names_and_nobody_else() -> None:
    moved = replace(ANNA, schedule=("daily 08:00-12:00",))
    again = replace(BO, envelope="c" * 64, sealed=2)
    held = {"p1": ANNA, "p2": BO, "p3": replace(ANNA, person="p3", name="Cy")}
    following = replace(LIST, generation=2, previous=LIST.digest)
    found = plan(following, (moved, again), held)
    assert (found.removed, found.updated, found.wanted) == (("p3",), (moved,), (again,))


def test_the_retained_list_again_changes_nothing() -> None:
    check_order(LIST, Head(1, LIST.digest))
    found = plan(LIST, PEOPLE, {"p1": ANNA, "p2": BO})
    assert (found.removed, found.updated, found.wanted) == ((), (), ())


@pytest.mark.parametrize(
    ("head", "sentence"),
    [
        (Head(2, "d" * 64), "an old one was sent again"),
        (Head(1, "d" * 64), "two different lists"),
    ],
)
def test_an_old_or_a_second_list_is_refused(head: Head, sentence: str) -> None:
    with pytest.raises(RosterError, match=sentence):
        check_order(LIST, head)


def test_two_operators_at_once() -> None:
    mine = replace(LIST, generation=3, previous="e" * 64)
    with pytest.raises(RosterError, match="two people changed it at once"):
        check_order(mine, Head(2, "f" * 64))


def test_a_door_that_was_away_takes_the_newest() -> None:
    check_order(replace(LIST, generation=9, previous="e" * 64), Head(2, "f" * 64))


@pytest.mark.parametrize(
    ("expires", "lease", "over"),
    [(None, None, False), (100.0, None, False), (99.0, None, True), (None, 99.0, True)],
)
def test_an_end_comes(expires: float | None, lease: float | None, *, over: bool) -> None:
    member, head = replace(ANNA, expires=expires), Head(1, "", lease)
    assert lapsed(member, head, 99.0, trusted=True) is over
    has_an_end = expires is not None or lease is not None
    assert lapsed(member, head, 1.0, trusted=False) is has_an_end
