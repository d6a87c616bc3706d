"""Sight's end of the guard's socket: tickets and signals out, states, events and claims in."""

from __future__ import annotations

import secrets
import time
from typing import TYPE_CHECKING

from edge.errors import WireError
from edge.wire.channel import Channel
from edge.wire.messages import Acknowledge, AskState, Cue, Flash, Relock, SetMode, Signal, Unlock

if TYPE_CHECKING:
    from pathlib import Path

    from edge.wire.messages import Message, Mode, Unreadable

_RETRY_S = 0.5


class GuardClient:
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
        sent = self._send(Unlock(ticket, time.monotonic()))
        return ticket if sent else None

    def relock(self) -> bool:
        """Ask for the relay off now."""
        return self._send(Relock())

    def set_mode(self, mode: Mode) -> None:
        """The mode from now on; always-open is a lease of a few seconds."""
        self._send(SetMode(mode))

    def acknowledge(self, number: int) -> None:
        """The guard may forget its events up to this number: they are in the ledger."""
        self._send(Acknowledge(number))

    def signal(self, cue: Cue, steps: tuple[Flash, ...] = ()) -> None:
        """Show this on the LED and the buzzer, where there are any."""
        self._send(Signal(cue, steps))

    def poll(self) -> list[Message | Unreadable]:
        """What the guard said since the last call; connects again when it was gone."""
        if self._channel is None and not self._connect():
            return []
        messages: list[Message | Unreadable] = []
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
        return self._send(AskState())

    def _send(self, message: Message) -> bool:
        if self._channel is None:
            return False
        try:
            self._channel.send(message)
        except WireError:
            self.close()
            return False
        return True
