"""The office at the broker: what it publishes for a door, and what the doors report."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edge.errors import BrokerError, RosterError
from edge.link.client import Acknowledged, Broker, Received
from edge.link.people import MAX_PACKET
from edge.link.topics import Message, Topics
from edge.roster.report import Report
from edge.wire.messages import Posted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from edge.config import Config
    from edge.link.client import Connection
    from edge.office.shelf import Piece

_POLL_S = 0.1
_LISTENING_S = 2.0
"""Retained reports come within this time of the subscription, or are not there."""
_TAKEN_S = 20.0
"""A broker has acknowledged what it was sent within this time, or does not work."""
_AT_ONCE = 500


class Post:
    """A connection to the broker, as the office uses it."""

    def __init__(self, connection: Connection, base: str) -> None:
        self._connection = connection
        self._base = base
        self.reports: dict[str, Report] = {}
        """The newest report of each door."""
        self._unanswered: dict[int, str] = {}
        connection.subscribe([f"{base}/+/people/reported"], retained=True)

    def publish(self, device: str, message: bytes, pieces: Iterable[Piece]) -> None:
        """Put a list and what it needs on the broker, retained: the list last.

        Raises:
            BrokerError: the connection is lost, or the broker does not take them.
        """
        self.supply(device, pieces)
        self._put(Topics(self._base, device).people_desired, message)
        self._settle()

    def supply(self, device: str, pieces: Iterable[Piece]) -> None:
        """Put pages and envelopes on the broker.

        Raises:
            BrokerError: the connection is lost, or the broker does not take them.
        """
        for piece in pieces:
            self._put(self._place(device, piece), piece.data)
        self._settle()

    def clear(self, device: str, pieces: Iterable[Piece]) -> None:
        """Take off the broker what no list needs.

        Raises:
            BrokerError: as `supply`.
        """
        for piece in pieces:
            self._put(self._place(device, piece), b"")
        self._settle()

    def listen(self, until: Callable[[], bool], timeout_s: float = _LISTENING_S) -> bool:
        """Take reports in until something is so; False when it was not in time."""
        end = time.monotonic() + timeout_s
        while not until():
            if time.monotonic() >= end:
                return False
            self._take_in()
        return True

    def _place(self, device: str, piece: Piece) -> str:
        topics = Topics(self._base, device)
        page = piece.kind is Posted.PAGE
        return (topics.people_page if page else topics.people_envelope)(piece.hashed)

    def _put(self, topic: str, payload: bytes) -> None:
        message = Message(topic, payload, retain=True)
        if not self._connection.takes(message):
            raise BrokerError(
                f"the broker does not take the {len(payload)} bytes for {topic}: let it take "
                f"packets of {MAX_PACKET} bytes (mosquitto: max_packet_size)"
            )
        self._unanswered[self._connection.publish(message)] = topic
        self._take_in(0.0)
        if len(self._unanswered) >= _AT_ONCE:
            self._settle()

    def _settle(self) -> None:
        """Wait until the broker has taken everything."""
        if not self.listen(lambda: not self._unanswered, _TAKEN_S):
            topic = next(iter(self._unanswered.values()))
            raise BrokerError(f"the broker has not taken what was published on {topic}")

    def _take_in(self, wait_s: float = _POLL_S) -> None:
        for arrived in self._connection.poll(wait_s):
            if isinstance(arrived, Acknowledged):
                self._unanswered.pop(arrived.ticket, None)
                if arrived.refused:
                    raise BrokerError(
                        f"the broker refused what was published on {arrived.topic} "
                        f"({arrived.refused}): may this office's certificate write there?"
                    )
            elif isinstance(arrived, Received):
                self._hear(arrived)

    def _hear(self, arrived: Received) -> None:
        try:
            report = Report.from_json(arrived.payload)
        except RosterError:
            return  # anybody may publish; what is no report says nothing
        if arrived.topic == Topics(self._base, report.device).people_reported:
            self.reports[report.device] = report


@contextmanager
def open_post(config: Config) -> Iterator[Post]:
    """Connect to the broker of `[mqtt]`.

    Raises:
        ConfigError: there is none.
        BrokerError: it is not there, or refuses.
    """
    base = config.mqtt.base_topic
    gone = Message(f"{base}/office", b"offline")
    with Broker(config.mqtt, "edge-door-office", MAX_PACKET).connect(gone) as connection:
        yield Post(connection, base)
        connection.close()
