"""Retained messages put on the broker by a command, which ends when the broker has them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edge.errors import BrokerError
from edge.link.arrivals import Acknowledged, Received
from edge.link.people import MAX_PACKET
from edge.link.topics import Message

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.link.client import Connection

_POLL_S = 0.1
_TAKEN_S = 20.0
"""A broker has acknowledged what it was sent within this time, or does not work."""
_AT_ONCE = 500


class Delivery:
    """A connection on which everything sent is accounted for."""

    def __init__(
        self, connection: Connection, hear: Callable[[Received], None] = lambda _: None
    ) -> None:
        """`hear` gets what arrives meanwhile."""
        self._connection = connection
        self._hear = hear
        self._unanswered: dict[int, str] = {}

    def put(self, topic: str, payload: bytes) -> None:
        """Send; an empty payload takes off what is retained there.

        Raises:
            BrokerError: the connection is lost, or the broker does not take it.
        """
        message = Message(topic, payload, retain=True)
        if not self._connection.takes(message):
            raise BrokerError(
                f"the broker does not take the {len(payload)} bytes for {topic}: let it take "
                f"packets of {MAX_PACKET} bytes (mosquitto: max_packet_size)"
            )
        self._unanswered[self._connection.publish(message)] = topic
        self.attend(0.0)
        if len(self._unanswered) >= _AT_ONCE:
            self.settle()

    def settle(self) -> None:
        """Wait until the broker has taken everything.

        Raises:
            BrokerError: it does not.
        """
        end = time.monotonic() + _TAKEN_S
        while self._unanswered:
            if time.monotonic() > end:
                topic = next(iter(self._unanswered.values()))
                raise BrokerError(f"the broker has not taken what was published on {topic}")
            self.attend()

    def attend(self, wait_s: float = _POLL_S) -> None:
        """Take in what has arrived.

        Raises:
            BrokerError: the connection is lost, or the broker refused something.
        """
        for arrived in self._connection.poll(wait_s):
            if isinstance(arrived, Received):
                self._hear(arrived)
            elif isinstance(arrived, Acknowledged):
                self._unanswered.pop(arrived.ticket, None)
                if arrived.refused:
                    raise BrokerError(
                        f"the broker refused what was published on {arrived.topic} "
                        f"({arrived.refused}): may this certificate write there?"
                    )
