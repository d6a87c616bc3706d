"""The office at the broker: what it publishes for a door, and what the doors report."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edge.errors import RosterError
from edge.link.client import Broker, Received
from edge.link.people import MAX_PACKET
from edge.link.topics import Message, Topics
from edge.roster.report import Report

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from edge.config import Config
    from edge.link.client import Connection

_POLL_S = 0.1
_LISTENING_S = 2.0
"""Retained reports come within this time of the subscription, or are not there."""


class Post:
    """A connection to the broker, as the office uses it."""

    def __init__(self, connection: Connection, base: str) -> None:
        self._connection = connection
        self._base = base
        self.reports: dict[str, Report] = {}
        """The newest report of each door."""
        connection.subscribe([f"{base}/+/people/reported"], retained=True)

    def publish(self, device: str, message: bytes, envelopes: Mapping[str, bytes]) -> None:
        """Put envelopes and list on the broker, retained: the list last.

        Raises:
            BrokerError: the connection is lost, or the broker does not take them.
        """
        topics = Topics(self._base, device)
        for hashed, envelope in envelopes.items():
            self._put(topics.people_envelope(hashed), envelope)
        self._put(topics.people_desired, message)

    def clear(self, device: str, hashes: Iterable[str]) -> None:
        """Take envelopes off the broker that no list needs."""
        topics = Topics(self._base, device)
        for hashed in hashes:
            self._put(topics.people_envelope(hashed), b"")

    def listen(self, until: Callable[[], bool], timeout_s: float = _LISTENING_S) -> bool:
        """Take reports in until something is so; False when it was not in time."""
        end = time.monotonic() + timeout_s
        while not until():
            if time.monotonic() >= end:
                return False
            self._take_in()
        return True

    def _put(self, topic: str, payload: bytes) -> None:
        self._connection.publish(Message(topic, payload, retain=True))
        self._take_in(0.0)

    def _take_in(self, wait_s: float = _POLL_S) -> None:
        for arrived in self._connection.poll(wait_s):
            if isinstance(arrived, Received):
                try:
                    report = Report.from_json(arrived.payload)
                except RosterError:
                    continue  # anybody may publish; what is no report says nothing
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
