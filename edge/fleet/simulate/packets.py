"""The few MQTT 5 packets that a thin door speaks, as bytes. Pure.

They are those that the product's own connection sends: a test holds one against the other.
Source: OASIS MQTT 5.0, chapters 2 and 3.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from edge.link.broker import MAX_PACKET, RECEIVE_AT_ONCE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.link.topics import Message

CONNACK, PUBLISH, PUBACK, DISCONNECT = 2, 3, 4, 14
PING = bytes((0xC0, 0))
GOODBYE = bytes((0xE0, 0))
_SUBSCRIBE = 0x82
_CLEAN_START, _WILL, _WILL_RETAIN = 0x02, 0x04, 0x20
_MAXIMUM_PACKET_SIZE, _RECEIVE_MAXIMUM = 0x27, 0x21
_OPTIONS = 0x01 | 0x08 | 0x20
"""Of a subscription: QoS 1, retained as published, what was retained before is not sent."""


def connect(client: str, will: Message, keepalive_s: int) -> bytes:
    """A clean start with a retained last will."""
    flags = _CLEAN_START | _WILL | _WILL_RETAIN | (will.qos << 3)
    limits = struct.pack("!BH", _RECEIVE_MAXIMUM, RECEIVE_AT_ONCE)
    limits += struct.pack("!BI", _MAXIMUM_PACKET_SIZE, MAX_PACKET)
    body = _text("MQTT") + bytes((5, flags)) + struct.pack("!H", keepalive_s)
    body += _length(len(limits)) + limits + _text(client)
    body += b"\0" + _text(will.topic) + struct.pack("!H", len(will.payload)) + will.payload
    return _packet(0x10, body)


def subscribe(ticket: int, topics: Sequence[str]) -> bytes:
    """With QoS 1; what was retained before does not come."""
    wishes = b"".join(_text(topic) + bytes((_OPTIONS,)) for topic in topics)
    return _packet(_SUBSCRIBE, struct.pack("!HB", ticket, 0) + wishes)


def publish(ticket: int, message: Message) -> bytes:
    """One message; QoS 0 has no ticket."""
    head = 0x30 | (message.qos << 1) | message.retain
    number = struct.pack("!H", ticket) if message.qos else b""
    return _packet(head, _text(message.topic) + number + b"\0" + message.payload)


def acknowledge(ticket: int) -> bytes:
    """The answer to a publish with QoS 1."""
    return _packet(0x40, struct.pack("!H", ticket))


def split(buffer: bytearray) -> list[tuple[int, bytes]]:
    """Take the whole packets off the front: first byte and body of each.

    Raises:
        ValueError: it is not MQTT.
    """
    found: list[tuple[int, bytes]] = []
    while len(buffer) > 1:
        size, shift, at = 0, 0, 1
        while True:
            if at >= len(buffer):
                return found
            byte = buffer[at]
            size |= (byte & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if not byte & 0x80:
                break
            if shift > 21:
                raise ValueError("not MQTT")
        if len(buffer) < at + size:
            return found
        found.append((buffer[0], bytes(buffer[at : at + size])))
        del buffer[: at + size]
    return found


def read_publish(head: int, body: bytes) -> tuple[str, int, bytes]:
    """Topic, ticket (0: it wants no answer) and payload."""
    size = int.from_bytes(body[:2], "big")
    topic, rest = body[2 : 2 + size].decode(), body[2 + size :]
    ticket = 0
    if head & 0x06:
        ticket, rest = int.from_bytes(rest[:2], "big"), rest[2:]
    return topic, ticket, rest[1 + rest[0] :]  # properties are short, and of no use here


def _packet(head: int, body: bytes) -> bytes:
    return bytes((head,)) + _length(len(body)) + body


def _length(size: int) -> bytes:
    found = bytearray()
    while True:
        size, byte = size >> 7, size & 0x7F
        found.append(byte | (0x80 if size else 0))
        if not size:
            return bytes(found)


def _text(text: str) -> bytes:
    raw = text.encode()
    return struct.pack("!H", len(raw)) + raw
