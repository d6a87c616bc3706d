"""What a door can obey of a list of people, as office and door judge it alike."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest

from edge.access.entries import MAX_ENTRY, obeyable, objection
from edge.roster.pages import MAX_PAGE, Member, spread

ANNA = Member("p1", "Anna", "a" * 64, 1, ("mon-fri 07:00-19:00",), 2e9)
BO = Member("p2", "Bo", "b" * 64, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        {"person": "../etc"},
        {"envelope": "+"},
        {"sealed": 0},
        {"sealed": 10**30},
        {"name": "x" * 65},
        {"name": "A\nnna"},
        {"schedule": ("foo",)},
        {"schedule": ("mon 07:00-19:00",) * 400},
    ],
)
def test_who_cannot_be_obeyed_is_refused_alone(wrong: dict[str, Any]) -> None:
    bad = replace(ANNA, **wrong)
    assert objection(bad)
    listed = obeyable([json.dumps([asdict(bad), asdict(BO)]).encode()])
    assert listed.members == (BO,)
    ((person, why),) = listed.refused.items()
    assert person == bad.person
    assert bad.name in why


def test_an_entry_is_never_too_long_for_a_page() -> None:
    name = "x" * 64
    many = [
        replace(ANNA, person=f"p{number}", name=name, schedule=("mon-fri 07:00-19:00",) * 200)
        for number in range(200)
    ]
    assert not any(map(objection, many))
    assert max(len(page) for page in spread(many).values()) <= MAX_PAGE
    assert MAX_PAGE // MAX_ENTRY >= 8
