"""Sight's socket, asked without ever waiting for the answer."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import WireError
from edge.wire.channel import Channel
from edge.wire.messages import AskStatus, Failed, Status, Unreadable

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

    from edge.wire.messages import Message, Request

SIGHT_TIMEOUT_S = 5.0
"""Sight answers between two frames; one that takes longer hangs."""
STATUS_EVERY_S = 2.0
_CONNECT_TIMEOUT_S = 0.2
_MAX_WAITING = 16
"""Requests without an answer: whoever floods the broker must not fill sight's queue."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a request: what sight said, or a failure found here."""

    asked: Request
    said: Message | Unreadable

    @property
    def failure(self) -> str:
        """Why it was not done; empty when it was."""
        return self.said.why if isinstance(self.said, Failed | Unreadable) else ""


class SightClient:
    """Asks sight, keeps its last status. For one thread; nothing here blocks for long."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._channel: Channel | None = None
        self._waiting: deque[tuple[Request, float]] = deque()
        self._failed: list[Answer] = []
        self._status: Status | None = None
        self._status_at = self._next_status = 0.0

    @property
    def answers(self) -> bool:
        """Whether sight answers."""
        fresh = time.monotonic() - self._status_at <= STATUS_EVERY_S + SIGHT_TIMEOUT_S
        return fresh and self._status is not None

    @property
    def door_available(self) -> bool:
        """Whether sight answers and says that it holds its connection to the relay guard."""
        return self.answers and self._status is not None and self._status.door

    @property
    def status(self) -> Status | None:
        """Sight's last status; None while it is away."""
        return self._status

    def ask(self, request: Request) -> None:
        """Send a request; `poll` brings its answer.

        Raises:
            WireError: sight is not there, or has too much unanswered already.
        """
        if len(self._waiting) >= _MAX_WAITING:
            raise WireError("sight has not answered the requests before this one")
        if not self._send(request):  # sight may have hung up since, or have been restarted
            self._channel = Channel.connect(self._path, _CONNECT_TIMEOUT_S)
            if not self._send(request):
                raise WireError("sight hangs up at once")
        self._waiting.append((request, time.monotonic()))

    def poll(self) -> list[Answer]:
        """The answers that came; asks for the status when it is time."""
        answers = self._answers()
        for answer in answers:
            if isinstance(answer.asked, AskStatus):
                self._status = answer.said if isinstance(answer.said, Status) else None
                self._status_at = time.monotonic()
        now = time.monotonic()
        if now >= self._next_status:
            self._next_status = now + STATUS_EVERY_S
            self._ask_status()
        return [answer for answer in answers if not isinstance(answer.asked, AskStatus)]

    def close(self) -> None:
        """Hang up. May be called twice."""
        if self._channel is not None:
            self._channel.close()
            self._channel = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, request: Request) -> bool:
        if self._channel is None:
            return False
        try:
            self._channel.send(request)
        except WireError as error:
            self._failed += self._fail(str(error))
            return False
        return True

    def _ask_status(self) -> None:
        if any(isinstance(request, AskStatus) for request, _ in self._waiting):
            return
        try:
            self.ask(AskStatus())
        except WireError:
            self._status = None

    def _answers(self) -> list[Answer]:
        answers, self._failed = self._failed, []
        try:
            while self._channel is not None and self._waiting:
                said = self._channel.receive(timeout_s=0)
                if said is None:
                    break
                asked, _ = self._waiting.popleft()
                answers.append(Answer(asked, said))
        except WireError as error:
            answers += self._fail(str(error))
        if self._waiting and time.monotonic() - self._waiting[0][1] > SIGHT_TIMEOUT_S:
            answers += self._fail("sight does not answer")
        return answers

    def _fail(self, why: str) -> list[Answer]:
        """Answers still to come would be taken for those of later requests: begin anew."""
        self.close()
        failed = [Answer(asked, Failed(why)) for asked, _ in self._waiting]
        self._waiting.clear()
        return failed
