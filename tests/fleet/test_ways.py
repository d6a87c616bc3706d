"""Whom a lock-down must not lock in."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from edge.fleet.web.ways import ways_out

HALL, LAB, VAULT, ISLAND, ROCK = 1, 2, 3, 4, 5


@dataclass(frozen=True)
class Door:
    id: str
    from_zone: int | None
    to_zone: int | None


@pytest.mark.parametrize(
    ("doors", "out"),
    [
        ([("in", None, HALL), ("out", HALL, None)], {"out"}),
        ([("in", None, HALL), ("into", HALL, LAB), ("back", LAB, HALL)], {"back"}),
        (
            [("in", None, HALL), ("a", HALL, LAB), ("b", LAB, VAULT), ("c", VAULT, LAB)],
            {"c"},
        ),
        ([("in", None, HALL), ("side", HALL, LAB), ("also", None, LAB)], set()),
        ([("nowhere", None, None)], set()),
        ([("there", ISLAND, ROCK), ("back", ROCK, ISLAND)], {"there", "back"}),
    ],
)
def test_a_reader_that_leads_nearer_to_the_street_is_a_way_out(
    doors: list[tuple[str, int | None, int | None]], out: set[str]
) -> None:
    assert ways_out([Door(*each) for each in doors]) == out
