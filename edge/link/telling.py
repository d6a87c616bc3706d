"""What a device says of itself unasked: states, availability, metrics, what runs there."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from edge.link import discovery
from edge.link.presence import Presence
from edge.link.reporting import EVERY_S, differ
from edge.link.topics import DoorState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.link.client import Connection
    from edge.link.payloads import Reported
    from edge.link.reporting import Reporter
    from edge.link.sight_client import SightClient
    from edge.link.topics import Topics

_log = logging.getLogger(__name__)


class Telling:
    """Says each thing when it has changed, metrics and the report at their times."""

    def __init__(self, topics: Topics, sight: SightClient, reporter: Reporter) -> None:
        self._topics = topics
        self._sight = sight
        self._reporter = reporter
        self._presence = Presence(time.monotonic())
        self._online: bool | None = None
        self._state: DoorState | None = None
        self._published: dict[str, bytes] = {}
        self._reported: Reported | None = None
        self._next_report = 0.0
        self._next_metrics = 0.0

    def forget(self) -> None:
        """All of it is told once more, as if nobody had heard it."""
        self._state = self._reported = self._online = None
        self._next_report = 0.0
        self._published.clear()

    def states(self, connection: Connection, known: Mapping[str, str]) -> None:
        """The door's: `known` are the ledger's last ones."""
        state = DoorState.of(known, available=self._sight.door_available)
        if state == self._state:
            return
        self._state = state
        for message in self._topics.states(state):
            if self._published.get(message.topic) != message.payload:
                connection.publish(message)
                self._published[message.topic] = message.payload

    def availability(self, connection: Connection) -> None:
        """Whether somebody who comes to the door would be seen."""
        online = self._presence.see(answers=self._sight.answers, at=time.monotonic())
        if online is not self._online:
            if self._online is not None:
                _log.warning("sight %s", "is back" if online else "does not answer or keeps dying")
            self._online = online
            connection.publish(self._topics.available(online=online))

    def metrics(self, connection: Connection) -> None:
        """Sight's newest, every `METRICS_EVERY_S`."""
        now = time.monotonic()
        metrics = self._sight.status.metrics if self._sight.status else {}
        if metrics and now >= self._next_metrics:
            self._next_metrics = now + discovery.METRICS_EVERY_S
            connection.publish(self._topics.metrics(metrics))

    def report(self, connection: Connection, *, twin: bool) -> None:
        """What runs here and how it is; `twin`: another device was heard under our name.

        Raises:
            LedgerError: the ledger cannot be read.
        """
        now = time.monotonic()
        if now < self._next_report:
            return
        self._next_report = now + EVERY_S
        reported = self._reporter.look(self._sight.status, connection.protocol, twin=twin)
        if differ(self._reported, reported):
            connection.publish(self._topics.reported(reported))
            self._reported = reported
