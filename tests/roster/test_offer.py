"""Enrolment at a door for the office: nobody between reads it, and no other door makes it."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edge.errors import RosterError
from edge.roster.envelope import SEED_BYTES, Content, DoorKey
from edge.roster.offer import Offer, open_offer, seal_offer

OFFICE, DOOR, OTHER = (DoorKey(os.urandom(SEED_BYTES)) for _ in range(3))
VECTORS = np.eye(3, 64, dtype=np.float32)
OFFER = Offer("door1", 5.0, "Anna", ("staff",), (), 9.0, "m" * 64, Content(VECTORS, ("0042",)))


def test_the_office_reads_what_the_door_sealed() -> None:
    found = open_offer(seal_offer(OFFER, OFFICE.public, DOOR), "door1", DOOR.public, OFFICE)
    assert (found.device, found.name, found.groups, found.expires) == (
        "door1",
        "Anna",
        ("staff",),
        9,
    )
    assert np.allclose(found.content.vectors, VECTORS)
    assert found.content.cards == ("0042",)


def test_nobody_else_reads_even_the_name() -> None:
    sealed = seal_offer(OFFER, OFFICE.public, DOOR)
    assert b"Anna" not in sealed
    assert b"0042" not in sealed
    with pytest.raises(RosterError, match="for another office"):
        open_offer(sealed, "door1", DOOR.public, OTHER)


def test_an_offer_of_another_door_is_refused() -> None:
    """Put under another door's topic, or made by somebody who knows the office's public key."""
    sealed = seal_offer(OFFER, OFFICE.public, DOOR)
    with pytest.raises(RosterError, match="for another office"):
        open_offer(sealed, "door2", DOOR.public, OFFICE)
    forged = seal_offer(OFFER, OFFICE.public, OTHER)
    with pytest.raises(RosterError, match="not signed by the door"):
        open_offer(forged, "door1", DOOR.public, OFFICE)


@pytest.mark.parametrize("place", range(0, 1200, 97))
def test_a_changed_byte_is_refused(place: int) -> None:
    sealed = bytearray(seal_offer(OFFER, OFFICE.public, DOOR))
    sealed[place % len(sealed)] ^= 1
    with pytest.raises(RosterError):
        open_offer(bytes(sealed), "door1", DOOR.public, OFFICE)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "A\x1b[2Jnna"},
        {"name": ""},
        {"groups": ("\x1b]0;staff\x07",)},
        {"at": 1e300},
        {"expires": 1e300},
        {"expires": -1.0},
        {"content": Content(VECTORS * 1000)},
        {"content": Content(VECTORS * 0)},
    ],
)
def test_what_a_stolen_door_offers_is_read_with_care(wrong: dict[str, Any]) -> None:
    """It signs rightly; an operator's terminal and calendar must stand it."""
    sealed = seal_offer(replace(OFFER, **wrong), OFFICE.public, DOOR)
    with pytest.raises(RosterError):
        open_offer(sealed, "door1", DOOR.public, OFFICE)


def test_a_key_that_is_none_is_a_sentence() -> None:
    with pytest.raises(RosterError, match="key"):
        seal_offer(OFFER, "AAAA", DOOR)
