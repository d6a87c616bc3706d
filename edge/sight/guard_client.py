"""Sight's end of the guard's socket: tickets and signals out, states, events and claims in."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from edge.errors import WireError
from edge.wire.channel import Channel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from edge.wire.channel import Message

_RETRY_S = 0.5


class Lock:
    """The door as sight knows it. Never blocks for long; a guard that is gone is retried."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._channel: Channel | None = None
        self._retry_at = 0.0

    @property
    def connected(self) -> bool:
        """Whether a guard answers."""
        return self._channel is not None

    def unlock(self) -> str | None:
        """Send one fresh ticket: its number, or None when no guard took it."""
        ticket = secrets.token_hex(16)
        sent = self._send({"op": "unlock", "ticket": ticket, "issued_at": time.monotonic()})
        return ticket if sent else None

    def relock(self) -> bool:
        """Ask for the relay off now."""
        return self._send({"op": "lock"})

    def set_mode(self, mode: str) -> None:
        """`normal`, `always_open` (a lease of a few seconds) or `lock_down`."""
        self._send({"op": "mode", "mode": mode})

    def acknowledge(self, number: int) -> None:
        """The guard may forget its events up to this number: they are in the ledger."""
        self._send({"op": "ack", "n": number})

    def signal(self, pattern: str, steps: Sequence[Message] = ()) -> None:
        """Show a pattern on the LED and the buzzer, where there are any."""
        message: Message = {"op": "signal", "pattern": pattern}
        if steps:
            message["steps"] = list(steps)
        self._send(message)

    def poll(self) -> list[Message]:
        """What the guard said since the last call; connects again when it was gone."""
        if self._channel is None and not self._connect():
            return []
        messages = []
        try:
            while self._channel and (message := self._channel.receive(0)) is not None:
                messages.append(message)
        except WireError:
            self.close()
        return messages

    def close(self) -> None:
        """Hang up. May be called twice."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _connect(self) -> bool:
        if time.monotonic() < self._retry_at:
            return False
        self._retry_at = time.monotonic() + _RETRY_S
        try:
            self._channel = Channel.connect(self._path, timeout_s=0.2)
        except WireError:
            return False
        return self._send({"op": "status"})

    def _send(self, message: Message) -> bool:
        if self._channel is None:
            return False
        try:
            self._channel.send(message)
        except WireError:
            self.close()
            return False
        return True
