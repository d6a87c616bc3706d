"""The office at the broker: what it publishes for a door, and what the doors report."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edge.errors import RosterError
from edge.link.broker import Broker
from edge.link.delivery import Delivery
from edge.link.people import MAX_PACKET
from edge.link.topics import Message, Topics
from edge.roster.report import Report
from edge.wire.messages import Posted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from edge.config import Config
    from edge.link.arrivals import Received
    from edge.link.client import Connection
    from edge.office.shelf import Piece

_LISTENING_S = 2.0
"""Retained reports come within this time of the subscription, or are not there."""


class Post:
    """A connection to the broker, as the office uses it."""

    def __init__(self, connection: Connection, base: str) -> None:
        self._delivery = Delivery(connection, self._hear)
        self._base = base
        self.reports: dict[str, Report] = {}
        """The newest report of each door."""
        self.offers: dict[str, bytes] = {}
        """Whom doors have captured for this office, still sealed, by topic."""
        topics = f"{base}/+/people/reported", f"{base}/+/people/offer/+"
        connection.subscribe(topics, retained=True)

    def publish(self, device: str, message: bytes, pieces: Iterable[Piece]) -> None:
        """Put a list and what it needs on the broker, retained: the list last.

        Raises:
            BrokerError: the connection is lost, or the broker does not take them.
        """
        self.supply(device, pieces)
        self._delivery.put(Topics(self._base, device).people_desired, message)
        self._delivery.settle()

    def supply(self, device: str, pieces: Iterable[Piece]) -> None:
        """Put pages and envelopes on the broker.

        Raises:
            BrokerError: the connection is lost, or the broker does not take them.
        """
        for piece in pieces:
            self._delivery.put(self._place(device, piece), piece.data)
        self._delivery.settle()

    def clear(self, device: str, pieces: Iterable[Piece]) -> None:
        """Take off the broker what no list needs.

        Raises:
            BrokerError: as `supply`.
        """
        for piece in pieces:
            self._delivery.put(self._place(device, piece), b"")
        self._delivery.settle()

    def take_back(self, device: str, pieces: Iterable[Piece]) -> None:
        """Take a door's list off the broker, and what it needs.

        Raises:
            BrokerError: as `supply`.
        """
        self._delivery.put(Topics(self._base, device).people_desired, b"")
        self.clear(device, pieces)

    def listen(self, until: Callable[[], bool], timeout_s: float = _LISTENING_S) -> bool:
        """Take reports in until something is so; False when it was not in time."""
        end = time.monotonic() + timeout_s
        while not until():
            if time.monotonic() >= end:
                return False
            self._delivery.attend()
        return True

    def _place(self, device: str, piece: Piece) -> str:
        topics = Topics(self._base, device)
        page = piece.kind is Posted.PAGE
        return (topics.people_page if page else topics.people_envelope)(piece.hashed)

    def take_off(self, offer: str) -> None:
        """An offer was accepted or declined.

        Raises:
            BrokerError: as `supply`.
        """
        self._delivery.put(offer, b"")
        self._delivery.settle()

    def _hear(self, arrived: Received) -> None:
        if "/people/offer/" in arrived.topic:
            self.offers[arrived.topic] = arrived.payload
            return
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
