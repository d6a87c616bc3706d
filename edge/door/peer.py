"""The guard's side of the connection to sight, and the events that wait for it."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING

from edge.door.say import say
from edge.errors import HungUpError, UnreadError, WireError
from edge.wire.messages import Refused

if TYPE_CHECKING:
    from edge.wire.channel import Channel, Listener
    from edge.wire.messages import Happened, Message, Unreadable

KEPT_EVENTS = 1000
"""While sight is away or behind; beyond that the oldest are dropped, and their numbers missing."""
PACKETS_A_TURN = 16
"""After so many packets the loop looks at time and switches again: a flood delays nothing."""


class NamedPeer:
    """The process that the supervisor named last, on our standard input; 0: none runs.

    Under `edge-door run` all programs are of one user. Without this, link or whatever else runs as
    that user could take the socket while sight is down.
    """

    def __init__(self, source: int = 0) -> None:
        os.set_blocking(source, False)
        self._source = source
        self._pid = 0

    @property
    def pid(self) -> int:
        """Who it is by now."""
        with contextlib.suppress(OSError, ValueError):  # nothing new, or nothing that is a number
            *_, newest = os.read(self._source, 4096).split()
            self._pid = int(newest)
        return self._pid


class SightPeer:
    """At most one connection, from one user. Nothing here waits."""

    def __init__(self, listener: Listener, uid: int, named: NamedPeer | None = None) -> None:
        """`named`: who it must be; None: any process of that user."""
        self._listener = listener
        self._uid = uid
        self._named = named
        self._channel: Channel | None = None
        self._events: deque[Happened] = deque(maxlen=KEPT_EVENTS)
        self._numbered = self._sent = 0
        """The newest event, and the newest that this connection was sent."""

    def sources(self) -> list[Channel | Listener]:
        """What becomes readable when there is something to do."""
        return [self._listener] if self._channel is None else [self._listener, self._channel]

    def accept(self) -> bool:
        """Look for a new connection; True when sight has just connected."""
        channel = self._listener.accept()
        if channel is None:
            return False
        who = channel.peer
        if who.uid != self._uid:
            why = f"user {who.uid} may not speak to the door, only user {self._uid} may"
        elif self._named is not None and who.pid != self._named.pid:
            why = "only the sight that this `edge-door run` started may speak to the door"
        elif self._channel is not None:
            why = f"process {self._channel.peer.pid} is connected already"
        else:
            self._channel, self._sent = channel, 0
            return True
        say(f"refused process {who.pid}: {why}")
        with contextlib.suppress(WireError):
            channel.send(Refused(why))
        channel.close()
        return False

    def messages(self) -> list[Message | Unreadable]:
        """What sight has sent, a handful at most."""
        found: list[Message | Unreadable] = []
        while self._channel is not None and len(found) < PACKETS_A_TURN:
            try:
                message = self._channel.receive(0)
            except WireError as error:
                self._hang_up(error)
                break
            if message is None:
                break
            found.append(message)
        return found

    def send(self, message: Message) -> None:
        """Send if sight is there; one that does not read is hung up on, never waited for."""
        if self._channel is None:
            return
        try:
            self._channel.send(message)
        except WireError as error:
            self._hang_up(error)

    def report(self, happened: Happened) -> None:
        """Number an event, send it when its turn comes, and keep it until sight acknowledges it.

        Numbers have no gaps, so a reader can tell how many were dropped for lack of room.
        """
        self._numbered += 1
        self._events.append(replace(happened, number=self._numbered))
        self.catch_up()

    def catch_up(self) -> bool:
        """Send the events that this connection was not sent, in order; whether it has them all.

        The kernel's queue has room for some seventy: the rest goes once sight has read those.
        """
        for event in self._events:
            if event.number > self._sent:
                if not self._has_room_for(event):
                    return False
                self._sent = event.number
        return True

    def acknowledge(self, number: int) -> None:
        """Sight has stored every event up to this number."""
        while self._events and self._events[0].number <= number:
            self._events.popleft()

    def close(self) -> None:
        """Hang up."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def _has_room_for(self, event: Happened) -> bool:
        """Send it if sight is there and its queue is not full; whether it was sent."""
        if self._channel is None:
            return False
        try:
            self._channel.send(event)
        except UnreadError:
            return False
        except WireError as error:
            self._hang_up(error)
            return False
        return True

    def _hang_up(self, why: WireError) -> None:
        # Whoever started both tells how sight ended, or that it was asked to.
        if self._named is None or not isinstance(why, HungUpError):
            say(f"sight is gone: {why}")
        self.close()
