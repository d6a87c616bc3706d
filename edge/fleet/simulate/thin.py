"""Thin doors: the same bytes over asyncio, a few KiB a door, thousands in one process."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING

from typing_extensions import override

from edge.backoff import Backoff
from edge.errors import WireError
from edge.fleet.simulate import packets
from edge.fleet.simulate.persona import Chain
from edge.link.payloads import ConfirmPayload, from_json
from edge.link.shipper import WINDOW

if TYPE_CHECKING:
    import ssl
    from pathlib import Path

    from edge.fleet.simulate.persona import Persona
    from edge.fleet.simulate.tally import Tally
    from edge.records import StoredEvent

KEEPALIVE_S = 30
KEPT = 1000
"""Unconfirmed events a door remembers; a whole door's ledger keeps them all."""
_IS_ERROR = 0x80


class ThinDoor(asyncio.Protocol):
    """One door. It keeps only what is not confirmed, in memory."""

    __slots__ = (
        "_buffer",
        "_chain",
        "_client",
        "_flying",
        "_greeting",
        "_late",
        "_left",
        "_next",
        "_persona",
        "_public",
        "_tally",
        "_ticket",
        "_transport",
        "_unconfirmed",
        "confirmed",
        "ended",
    )

    def __init__(self, persona: Persona, anchor: Path, tally: Tally) -> None:
        seal = persona.seal(anchor)
        self._persona = persona
        self._public = seal.public
        self._chain = Chain(persona, seal)
        self._tally = tally
        self._client = f"edge-door-{persona.topics.device}"
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._unconfirmed: deque[StoredEvent] = deque(maxlen=KEPT)
        self._next = 0
        """Of the unconfirmed, how many were sent over this connection."""
        self._flying = 0
        self._greeting = 0
        """What of it is not acknowledged yet."""
        self._late = 0
        """Events up to this one were written before this connection, or are sent again."""
        self._left = False
        self._ticket = 0
        self.confirmed = 0
        self.ended: asyncio.Future[None] | None = None
        """Done when the connection is."""

    def happen(self) -> None:
        """The next event of its story."""
        self._unconfirmed.append(self._chain.append(self._persona.happens()))
        self._tally.happened += 1
        self._ship()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The socket is open: introduce the door."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - of a TCP connection
        self._transport = transport
        self._buffer.clear()
        self._ticket = self._flying = self._greeting = self._next = 0
        self.ended = asyncio.get_running_loop().create_future()
        will = self._persona.topics.available(online=False)
        transport.write(packets.connect(self._client, will, KEEPALIVE_S))

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        """The socket is gone."""
        if self._transport is not None and self._ticket:  # it had been welcomed
            self._tally.connected -= 1
            self._tally.lost += not self._left
        self._transport = None
        if self.ended is not None and not self.ended.done():
            self.ended.set_result(None)

    @override
    def data_received(self, data: bytes) -> None:
        """Whatever the broker says."""
        self._buffer += data
        try:
            for head, body in packets.split(self._buffer):
                self._hear(head, body)
        except (ValueError, IndexError, UnicodeDecodeError):
            self.drop()

    def ping(self) -> None:
        """Keep the connection alive."""
        self._write(packets.PING)

    def leave(self) -> None:
        """Say good-bye; nothing was said yet to a broker that has not welcomed the door."""
        self._left = True
        if self._transport is None or not self._ticket:
            self.drop()
        else:
            self._write(
                packets.publish(self._number(), self._persona.topics.available(online=False))
            )
            self._write(packets.GOODBYE)
            self._transport.close()

    def drop(self) -> None:
        """End the connection at once, if there is one."""
        if self._transport is not None:
            self._transport.abort()

    def _hear(self, head: int, body: bytes) -> None:
        kind = head >> 4
        if kind == packets.CONNACK:
            self._welcomed(body)
        elif kind == packets.PUBACK:
            self._acknowledged()
        elif kind == packets.PUBLISH:
            topic, ticket, payload = packets.read_publish(head, body)
            if ticket:
                self._write(packets.acknowledge(ticket))
            if topic == self._persona.topics.confirm:
                self._confirm(payload)
        elif kind == packets.DISCONNECT:
            self.drop()

    def _welcomed(self, body: bytes) -> None:
        if body[1] >= _IS_ERROR:
            self.drop()
            return
        self._tally.connects += 1
        self._tally.connected += 1
        self._write(packets.subscribe(self._number(), self._persona.topics.heard))
        for message in self._persona.greeting(self._public, self._chain.sequence):
            self._greeting += message.qos
            self._write(packets.publish(self._number(), message))
        self._late = self._chain.sequence
        self._ship()

    def _acknowledged(self) -> None:
        if self._greeting:  # a broker acknowledges in order
            self._greeting -= 1
            return
        self._flying -= 1
        self._tally.acknowledged += 1
        self._ship()

    def _confirm(self, payload: bytes) -> None:
        try:
            said = from_json(ConfirmPayload, payload)
        except WireError:
            return
        again = said.resend_from or (said.sequence + 1 if said.resend else 0)
        while self._unconfirmed and self._unconfirmed[0].sequence <= said.sequence:
            self._unconfirmed.popleft()
            self._next = max(self._next - 1, 0)
        self._tally.confirmed += max(said.sequence - self.confirmed, 0)
        self.confirmed = max(said.sequence, self.confirmed)
        if again:
            self._next, self._late = 0, self._chain.sequence
        self._ship()

    def _ship(self) -> None:
        """Fill the window."""
        while self._ticket and self._next < len(self._unconfirmed) and self._flying < WINDOW:
            stored = self._unconfirmed[self._next]
            late = stored.sequence <= self._late
            message = self._persona.topics.event(stored, replayed=late)
            self._write(packets.publish(self._number(), message))
            self._next += 1
            self._flying += 1

    def _number(self) -> int:
        self._ticket = self._ticket % 65535 + 1
        return self._ticket

    def _write(self, packet: bytes) -> None:
        if self._transport is not None:
            self._transport.write(packet)


async def keep_connected(
    door: ThinDoor, host: str, port: int, tls: ssl.SSLContext | None, first_s: float
) -> None:
    """Connect, stay, come back, as the product does; the first time after `first_s`."""
    backoff = Backoff()
    await asyncio.sleep(first_s)
    loop = asyncio.get_running_loop()
    while True:
        try:
            await loop.create_connection(lambda: door, host, port, ssl=tls)
        except OSError:
            await asyncio.sleep(backoff.next())
            continue
        began = loop.time()
        while door.ended is not None and not door.ended.done():
            await asyncio.wait([door.ended], timeout=KEEPALIVE_S / 2)
            door.ping()
        if loop.time() - began > 2 * KEEPALIVE_S:
            backoff.reset()
        await asyncio.sleep(backoff.next())
