"""Whole doors: the product's own ledger, outbox, shipper and connection, driven by one loop."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edge.backoff import Backoff
from edge.errors import BrokerError, CommandError
from edge.folders import make_folder
from edge.ledger.ledger import Ledger
from edge.link.arrivals import Acknowledged, Received
from edge.link.commands import Commands, Confirmation
from edge.link.outbox import Outbox
from edge.link.shipper import Shipper

if TYPE_CHECKING:
    from pathlib import Path

    from edge.fleet.simulate.persona import Persona
    from edge.fleet.simulate.tally import Tally
    from edge.link.broker import Broker
    from edge.link.client import Connection

MOST = 200
"""So many in one process: each has two databases open."""


class WholeDoor:
    """One door, as far as MQTT sees it."""

    def __init__(self, persona: Persona, folder: Path, broker: Broker, tally: Tally) -> None:
        """Begin its ledger and outbox.

        Raises:
            LedgerError: the folder cannot be written.
        """
        make_folder(folder)
        self._persona = persona
        self._broker = broker
        self._tally = tally
        seal = persona.seal(folder / "anchor")
        self.public = seal.public
        self.ledger = Ledger.open(folder / "ledger.db", persona.topics.device, seal)
        self.ledger.boot = persona.boot
        self.outbox = Outbox.open(folder / "outbox.db")
        self._shipper = Shipper(self.ledger, self.outbox, persona.topics)
        self._commands = Commands(persona.topics, lambda: ())
        self._connection: Connection | None = None
        self._events = persona.topics.at("event")
        self._backoff = Backoff()
        self._try_at = 0.0

    def happen(self) -> None:
        """The next event of its story."""
        self.ledger.append(self._persona.happens())
        self._tally.happened += 1
        self._shipper.wake()

    def turn(self) -> None:
        """Connect if it is time, hear, confirm, ship; never blocks but while it connects."""
        if self._connection is None and time.monotonic() >= self._try_at:
            self._connect()
        if self._connection is not None:
            try:
                self._work(self._connection)
            except BrokerError:
                self._lose()

    def close(self) -> None:
        """Say good-bye, close the files."""
        if self._connection is not None:
            self._connection.close(self._persona.topics.available(online=False))
        self.outbox.close()
        self.ledger.close()

    def _connect(self) -> None:
        topics = self._persona.topics
        try:
            self._connection = self._broker.connect(topics.available(online=False))
            self._tally.connects += 1
            self._tally.connected += 1
            self._connection.subscribe(topics.heard)
            self._greet(self._connection)
        except BrokerError:
            self._lose()
            return
        self._backoff.reset()
        self._shipper.begin()

    def _greet(self, connection: Connection) -> None:
        for message in self._persona.greeting(self.public, self.ledger.written()):
            connection.publish(message)

    def _lose(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._tally.connected -= 1
            self._tally.lost += 1
        self._try_at = time.monotonic() + self._backoff.next()

    def _work(self, connection: Connection) -> None:
        for arrived in connection.poll(0):
            if isinstance(arrived, Acknowledged):
                self._tally.acknowledged += arrived.topic.startswith(self._events)
                self._shipper.acknowledged(arrived)
            elif isinstance(arrived, Received):
                self._hear(arrived, connection)
        self._shipper.pump(connection)

    def _hear(self, received: Received, connection: Connection) -> None:
        try:
            wish = self._commands.read(received.topic, received.payload, retained=received.retained)
            if isinstance(wish, Confirmation):
                before = self.outbox.watermarks().confirmed
                self._shipper.confirm(wish)
                self._tally.confirmed += self.outbox.watermarks().confirmed - before
                if wish.tell:
                    self._greet(connection)
        except CommandError:
            return  # what a door would refuse, it refuses here too
