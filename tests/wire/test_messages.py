"""Every message survives its packet, and whatever else arrives is refused with a sentence."""

from __future__ import annotations

import json
import socket
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.errors import WireError
from edge.records import Reason
from edge.wire import messages
from edge.wire.channel import Channel
from edge.wire.codec import decode, encode
from edge.wire.messages import Message, Unreadable
from tests.support.seen import LET_IN

FLASHES = (messages.Flash(messages.Colour.CYAN, 0.3, beep=True),)
STATE = messages.State(
    lock=messages.LockState.HELD,
    relay=True,
    contact=messages.Contact.OPEN,
    tamper=False,
    fire=False,
    mode=messages.Mode.LOCK_DOWN,
    fault="line 17 is stuck",
)
EXAMPLES: list[Message] = [
    messages.Unlock("a" * 32, 12.5),
    messages.Relock(),
    messages.SetMode(messages.Mode.ALWAYS_OPEN),
    messages.Signal(messages.Cue.CHALLENGE, FLASHES),
    messages.Acknowledge(7),
    messages.AskState(),
    STATE,
    messages.Happened(Reason.REX, 3.0, {"blocked": True, "pulse_s": 0.5, "why": "x"}, 9),
    messages.Presented(messages.Credential.PIN, "4711"),
    messages.Refused("no", "a" * 32),
    messages.Claim("Zoë"),
    messages.Command('{"action":"lock"}'),
    messages.Part(messages.Posted.LIST, 0, 2, "AAAA"),
    messages.UnlockByCode("4711", 1_700_000_000.0),
    messages.AskStatus(),
    messages.AskFace(),
    messages.LastFace("AAAA"),
    messages.Watch(),
    messages.LendCamera(5.0),
    messages.Rehearse(30.0, "Anna"),
    messages.Done("lock"),
    messages.Failed("nobody of that name"),
    messages.Status(door=True, camera="ok", people=2, metrics={"fps": 12.0}),
    replace(LET_IN, person="Zoë"),
    replace(LET_IN, eyes=None, person=None),
]


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda message: type(message).__name__)
def test_a_message_survives_its_packet(message: Message) -> None:
    assert decode(encode(message)) == message


def test_every_message_has_an_example_and_an_operation() -> None:
    assert {type(each) for each in EXAMPLES} == set(get_args(Message))
    operations = {json.loads(encode(each))["op"] for each in EXAMPLES}
    assert len(operations) == len(get_args(Message))


def test_the_table_at_the_top_names_every_message() -> None:
    told = set((messages.__doc__ or "").replace(",", " ").split())
    assert {kind.__name__ for kind in get_args(Message)} <= told


@pytest.mark.parametrize("packet", [b"", b"\xff", b"[1]", b"7", b'{"op":7}', b"{}", b"[" * 5000])
def test_what_is_no_message_at_all_ends_the_connection(packet: bytes) -> None:
    with pytest.raises(WireError):
        decode(packet)


@pytest.mark.parametrize(
    ("packet", "why"),
    [
        (b'{"op":"hold"}', "this request is not known"),
        (b'{"op":"claim"}', "claim: person is missing"),
        (b'{"op":"claim","person":7}', "claim: person is not text"),
        (b'{"op":"ack","number":true}', "ack: number is not a whole number"),
        (b'{"op":"ack","number":1.0}', "ack: number is not a whole number"),
        (b'{"op":"unlock","ticket":"a","issued_at":1e999}', "issued_at is not a finite number"),
        (b'{"op":"mode","mode":["normal"]}', "mode is one of normal, always_open, lock_down"),
        (b'{"op":"signal","cue":"off","steps":[{"colour":"pink"}]}', "colour is one of off, red"),
        (b'{"op":"signal","cue":"off","steps":{}}', "steps is not of the right kind"),
        (b'{"op":"event","reason":"rex","at":1,"detail":{"x":[]}}', "detail is not of the right"),
    ],
)
def test_fields_of_another_kind_are_told_by_name(packet: bytes, why: str) -> None:
    told = decode(packet)
    assert isinstance(told, Unreadable)
    assert why in told.why


def test_a_field_of_a_newer_version_is_left_out() -> None:
    packet = b'{"op":"claim","person":"Ada","since":1}'
    assert decode(packet) == messages.Claim("Ada")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(EXAMPLES), st.data())
def test_one_wrong_field_never_raises(example: Message, data: st.DataObject) -> None:
    body = json.loads(encode(example))
    body[data.draw(st.sampled_from(sorted(body)))] = data.draw(JSON)
    try:
        told = decode(json.dumps(body).encode())
    except WireError:
        assert not isinstance(body["op"], str)
        return
    assert isinstance(told, Message | Unreadable)


def test_a_number_that_json_does_not_know_is_refused_where_it_is_sent() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with Channel(ours) as channel, Channel(theirs), pytest.raises(WireError, match="cannot be"):
        channel.send(messages.UnlockByCode("4711", float("inf")))
