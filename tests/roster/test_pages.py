"""Pages of a list: short, named by their hash, and mostly the same after a change."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import RosterError
from edge.roster.desired import MAX_PAGES
from edge.roster.pages import MAX_PAGE, Member, digest, gather, missing, spread

ANNA = Member("p1", "Anna", "a" * 64, 1, ("mon-fri 07:00-19:00",), 2e9)


def crowd(size: int) -> list[Member]:
    return [Member(f"p{n}", f"Person {n}", digest(str(n).encode()), 1) for n in range(size)]


@pytest.mark.parametrize("size", [0, 1, 64, 65, 1000, 20_000])
def test_everybody_comes_back_and_no_page_is_long(size: int) -> None:
    people = crowd(size)
    pages = spread(people)
    assert len(pages) <= MAX_PAGES
    assert all(digest(page) == name for name, page in pages.items())
    assert max(map(len, pages.values()), default=0) <= MAX_PAGE
    listed = gather(pages.values())
    assert listed.refused == {}
    assert sorted(listed.members, key=lambda one: one.person) == sorted(
        people, key=lambda one: one.person
    )


def test_a_change_to_one_person_is_one_page() -> None:
    people = crowd(1000)
    before = spread(people)
    after = spread([replace(people[0], name="Another"), *people[1:]])
    assert len(missing(after, before)) == 1
    assert len(missing(spread(people[1:]), before)) == 1


def test_the_order_of_the_people_does_not_matter() -> None:
    assert spread(crowd(300)) == spread(crowd(300)[::-1])


def test_long_entries_take_more_pages_until_it_is_too_much() -> None:
    hours = tuple(f"mon 0{n % 10}:00-23:0{n % 10}" for n in range(400))
    pages = spread([replace(one, schedule=hours) for one in crowd(64)])
    assert max(map(len, pages.values())) <= MAX_PAGE
    with pytest.raises(RosterError, match="do not fit into one list"):
        spread([replace(ANNA, name="x" * MAX_PAGE)])


def test_somebody_on_two_pages_is_refused_and_nobody_else() -> None:
    bo = replace(ANNA, person="p2", name="Bo")
    (page,), (another,) = spread([ANNA]).values(), spread([ANNA, bo]).values()
    listed = gather([page, another])
    assert listed.members == (bo,)
    assert listed.refused == {"p1": "Anna stands on the list of people twice"}


@pytest.mark.parametrize("wrong", [{"sealed": "x"}, {"expires": "x"}, {"schedule": 5}])
def test_who_cannot_be_read_is_named_and_the_others_are_read(wrong: dict[str, object]) -> None:
    bo = replace(ANNA, person="p2", name="Bo")
    page = json.dumps([asdict(ANNA) | wrong, asdict(bo)]).encode()
    listed = gather([page, b"no page"])
    assert listed.members == (bo,)
    assert "'Anna' on the list of people does not read" in listed.refused["p1"]
    (place,) = set(listed.refused) - {"p1"}
    assert "nobody on it is known" in listed.refused[place]


@given(
    st.binary(max_size=100)
    | st.recursive(st.none() | st.text(), st.lists).map(lambda value: json.dumps(value).encode())
)
def test_whatever_comes_is_a_sentence_or_nobody(page: bytes) -> None:
    listed = gather([page])
    assert listed.members == ()
    assert listed.refused or json.loads(page) == []
