"""What the office reads of a door that was stolen: it signs rightly, and says anything."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import pytest

from edge.errors import RosterError
from edge.roster.canonical import LATEST
from edge.roster.envelope import SEED_BYTES, DoorKey
from edge.roster.report import Report

DOOR = DoorKey(os.urandom(SEED_BYTES))
REPORT = Report("door1", 3, "d" * 64, "m" * 64, DOOR.public, restored="a" * 32)


def test_a_report_comes_back_as_it_was_signed() -> None:
    full = replace(
        REPORT, lease=float(LATEST), refused={"p1": "Ännä, not here"}, erased={"p2": 5.0}
    )
    assert replace(Report.from_json(full.to_json(DOOR)), signature="") == full


@pytest.mark.parametrize(
    "wrong",
    [
        {"generation": 10**30},
        {"generation": -1},
        {"known": 10**30},
        {"waiting": -1},
        {"restored": "x" * 60_000},
        {"digest": "x" * 60_000},
        {"model": "x" * 60_000},
        {"lease": 1e300},
        {"erased": {"p1": 1e300}},
        {"erased": {"p1": -1.0}},
        {"refused": {"p1": "\x1b]0;all is well\x07"}},
        {"refused": {"\x1b[2J": "why"}},
    ],
    ids=str,
)
def test_what_no_door_says_is_no_report(wrong: dict[str, Any]) -> None:
    """A number that no database takes, a word that makes the next list too long for any broker."""
    with pytest.raises(RosterError, match="does not read"):
        Report.from_json(replace(REPORT, **wrong).to_json(DOOR))
