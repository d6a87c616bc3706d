"""Envelopes: for one door, one person, one network, one generation."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.errors import RosterError
from edge.roster.envelope import SEED_BYTES, Address, Content, DoorKey, fingerprint, seal
from edge.roster.report import Report

KEY, OTHER = DoorKey(os.urandom(SEED_BYTES)), DoorKey(os.urandom(SEED_BYTES))
ADDRESS = Address("door1", "p1", "m" * 64, 3)


def template(captures: int = 5, numbers: int = 256) -> Content:
    vectors = np.random.default_rng(1).normal(size=(captures, numbers)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return Content(vectors, ("123",), "4711")


ENVELOPE = seal(template(), KEY.public, ADDRESS)


def test_the_door_reads_what_the_office_wrote() -> None:
    opened = KEY.open(ENVELOPE, ADDRESS)
    assert (opened.cards, opened.pin) == (("123",), "4711")
    cosines = (opened.vectors * template().vectors).sum(axis=1)
    assert np.all(cosines > 0.999)
    assert len(ENVELOPE) < 6000


def test_an_envelope_shows_nothing_of_its_template() -> None:
    raw = template().vectors.astype("<f2").tobytes()
    assert not any(raw[i : i + 6] in ENVELOPE for i in range(0, len(raw) - 6, 2))
    assert seal(template(), KEY.public, ADDRESS) != ENVELOPE


@pytest.mark.parametrize(
    "address",
    [
        replace(ADDRESS, device="door2"),
        replace(ADDRESS, person="p2"),
        replace(ADDRESS, model="n" * 64),
        replace(ADDRESS, generation=4),
    ],
)
def test_in_anothers_place_it_does_not_open(address: Address) -> None:
    with pytest.raises(RosterError, match="another door, person, network or generation"):
        KEY.open(ENVELOPE, address)


def test_another_door_does_not_open_it() -> None:
    with pytest.raises(RosterError, match="does not open"):
        OTHER.open(ENVELOPE, ADDRESS)


@settings(max_examples=60)
@given(st.integers(0, len(ENVELOPE) - 1), st.integers(1, 255))
def test_a_flipped_byte_opens_nothing(at: int, flip: int) -> None:
    changed = bytearray(ENVELOPE)
    changed[at] ^= flip
    with pytest.raises(RosterError):
        KEY.open(bytes(changed), ADDRESS)


@given(st.binary(max_size=2000))
def test_rubbish_is_a_sentence(rubbish: bytes) -> None:
    with pytest.raises(RosterError):
        KEY.open(rubbish, ADDRESS)


def test_a_key_that_is_none() -> None:
    with pytest.raises(RosterError, match="1248 bytes"):
        seal(template(), "AAAA", ADDRESS)
    with pytest.raises(RosterError, match="not base64"):
        seal(template(), "***", ADDRESS)


def test_the_same_secret_is_the_same_door() -> None:
    seed = os.urandom(SEED_BYTES)
    assert DoorKey(seed).public == DoorKey(seed).public
    assert len(fingerprint(KEY.public).split()) == 8


def test_reports_come_back_as_they_were() -> None:
    report = Report(
        "door1",
        3,
        "d",
        "m",
        KEY.public,
        keys=("k",),
        lease=2.0,
        pages=("b" * 64,),
        refused={"p3": "no"},
        erased={"p4": 1.0},
    )
    message = report.to_json(KEY)
    assert replace(Report.from_json(message), signature="") == report
    respelled = json.dumps(json.loads(message), indent=2).encode()
    assert Report.from_json(respelled) == Report.from_json(message)
    not_finite = message.replace(b"2.0", b"NaN")
    for bad in (b"", b"[]", b"\xff", b'{"a": ' * 5000, message[:-9], not_finite):
        with pytest.raises(RosterError):
            Report.from_json(bad)
    with pytest.raises(RosterError):
        Report.from_json(b'{"device": 1}')
