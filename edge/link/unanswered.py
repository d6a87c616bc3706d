"""What was published over a connection and the broker has not answered yet."""

from __future__ import annotations

import time

_ROOM = 64
"""A broker whose answers come late, behind a flood, is not sent more: paho keeps each meanwhile."""
_SILENT_S = 30.0
"""One that answers nothing at all for so long does not work, or has lost what it was sent."""


class Unanswered:
    """Tickets of QoS 1 messages, and the topic of each."""

    def __init__(self) -> None:
        self._topics: dict[int, str] = {}
        self._answered_at = 0.0

    def __contains__(self, ticket: int) -> bool:
        return ticket in self._topics

    @property
    def room(self) -> int:
        """How many more to publish before the broker has answered some."""
        return max(0, _ROOM - len(self._topics))

    @property
    def silent(self) -> bool:
        """Whether the broker answers nothing at all."""
        return bool(self._topics) and time.monotonic() - self._answered_at > _SILENT_S

    def add(self, ticket: int, topic: str) -> None:
        """It was published."""
        if not self._topics:
            self._answered_at = time.monotonic()
        self._topics[ticket] = topic

    def answered(self, ticket: int) -> str | None:
        """The topic of what the broker answers; None: nothing of ours."""
        self._answered_at = time.monotonic()
        return self._topics.pop(ticket, None)
