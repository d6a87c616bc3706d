"""Sight's own socket: claims, commands and questions from the command line and from link."""

from __future__ import annotations

import contextlib
import select
from typing import TYPE_CHECKING

from edge.errors import EdgeDoorError, WireError
from edge.wire.channel import Channel, Listener
from edge.wire.messages import Done, Failed, LendCamera, Rehearse, Unreadable, Watch

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edge.wire.channel import Peer
    from edge.wire.messages import Answer, Message, Seen

_MAX_CLIENTS = 16
"""Link, some commands and those who watch; who may connect must not use up our descriptors."""
_OURS = (Watch, LendCamera, Rehearse)
"""Who may ask for these could keep the door from looking, or try out faces and read how near each
came: not link, which the network may have taken, nor whoever else may ask for the status."""


class ControlServer:
    """Answers each request once; watchers get a copy of everything shown."""

    def __init__(self, path: Path, answer: Callable[[Message, Peer], Answer]) -> None:
        """Listen at `path`; `answer` makes the reply and may raise an EdgeDoorError.

        Raises:
            WireError: another process listens there, or the socket cannot be made.
        """
        self._listener = Listener(path)
        self._answer = answer
        self._clients: dict[int, Channel] = {}
        self._watchers: dict[int, Channel] = {}

    def serve(self) -> None:
        """Answer whatever is waiting; never blocks."""
        while (channel := self._listener.accept()) is not None:
            self._make_room()
            self._clients[channel.fileno()] = channel
        if not self._clients:
            return
        ready, _, _ = select.select(list(self._clients), [], [], 0)
        for number in ready:
            self._serve_one(number)

    def show(self, seen: Seen) -> None:
        """Send to every watcher; one that does not keep up is cut off."""
        for number in list(self._watchers):
            try:
                self._watchers[number].send(seen)
            except WireError:
                self._drop(number)

    @property
    def watched(self) -> bool:
        """Whether anybody watches, so that nothing is prepared in vain."""
        return bool(self._watchers)

    def close(self) -> None:
        """Hang up on everybody and remove the socket. May be called twice."""
        for number in list(self._clients):
            self._drop(number)
        self._listener.close()

    def _make_room(self) -> None:
        """Who is silent longest goes first: idle clients must not keep the command line out."""
        while len(self._clients) >= _MAX_CLIENTS:
            self._drop(next(iter(self._clients)))

    def _serve_one(self, number: int) -> None:
        channel = self._clients[number]
        try:
            message = channel.receive(0)
            if message is None:
                return
            answer = self._reply(message, channel.peer)
            if isinstance(message, Watch) and isinstance(answer, Done):
                self._watchers[number] = channel
            self._clients[number] = self._clients.pop(number)  # the newest to have spoken
            channel.send(answer)
        except WireError:
            self._drop(number)

    def _reply(self, message: Message | Unreadable, who: Peer) -> Answer:
        if isinstance(message, Unreadable):
            return Failed(message.why)
        if isinstance(message, _OURS) and not who.ours:
            return Failed("only root and the door's own user may ask for that: use sudo")
        if isinstance(message, Watch):
            return Done()
        try:
            return self._answer(message, who)
        except EdgeDoorError as error:
            return Failed(str(error))

    def _drop(self, number: int) -> None:
        self._watchers.pop(number, None)
        with contextlib.suppress(KeyError):
            self._clients.pop(number).close()
