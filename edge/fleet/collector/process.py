"""The collector: one thread, one loop. Any number of them may run on one database.

Everything is confirmed after its commit and not before, so a collector may die at any moment: the
door keeps what was not confirmed, and each collector that connects asks every door for the rest.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from edge.backoff import STABLE_S, Backoff
from edge.errors import BrokerError, DatabaseError, UsageError
from edge.fleet.collector import upkeep
from edge.fleet.collector.confirming import Confirming
from edge.fleet.collector.intake import Watermark
from edge.fleet.collector.news import TOPICS, News
from edge.fleet.database.tables import MAX_COLLECTOR, commands, devices
from edge.fleet.kinds import CommandState
from edge.link.arrivals import Received
from edge.link.broker import Broker
from edge.link.outage import Outage
from edge.link.payloads import ConfirmPayload, to_json
from edge.link.people import MAX_PACKET
from edge.link.topics import Message, Topics, rollout_plan

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.config.network import MqttSection
    from edge.fleet.collector.confirming import Word
    from edge.fleet.collector.metrics import CollectorMetrics
    from edge.fleet.database.database import Database
    from edge.link.client import Connection
    from edge.stopping import Stop

POLL_S = 0.05
GATHER_S = 0.02
"""A batch waits so long for more: the broker sends a few at a time, as they are acknowledged."""
BATCH = 500
AT_ONCE = 1000
"""With fewer on their way, each few wait until the broker has heard of those before. What is lost
with a connection goes again: it was not confirmed."""
SETTLE_S = 15.0
"""After connecting, retained states come first: nobody is called offline before."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Settings:
    """How a collector runs."""

    base: str
    name: str
    keep_days: int

    def __post_init__(self) -> None:
        """Raises UsageError: no topic, or no row, can have the name."""
        name = self.name
        if not 1 <= len(name) <= MAX_COLLECTOR or not name.isprintable() or {*name} & {*"/+#"}:
            raise UsageError(
                f"--name {name}: a collector's name has 1 to {MAX_COLLECTOR} printable characters, "
                "none of them / + or #."
            )


def broker_of(mqtt: MqttSection, name: str) -> Broker:
    """The broker, as a collector of this name comes to it."""
    return Broker(mqtt, f"edge-door-collector-{name}", MAX_PACKET, AT_ONCE)


class Collector:
    """Broker to database, until told to stop."""

    def __init__(
        self, settings: Settings, broker: Broker, database: Database, metrics: CollectorMetrics
    ) -> None:
        self._settings = settings
        self._broker = broker
        self._database = database
        self._metrics = metrics
        self._outage = Outage("Doors keep their events until then; trying again")
        self._took_s = 0.0
        self._clock = upkeep.Upkeep(database, settings.name, settings.keep_days)

    def serve(self, stop: Stop, heartbeat: Callable[[], None]) -> None:
        """Connect, work, connect again, until `stop`."""
        backoff = Backoff()
        while not stop.is_set():
            heartbeat()
            begun = time.monotonic()
            try:
                self._clock.prepare()
                self._visit(stop, heartbeat)
            except (BrokerError, DatabaseError) as error:
                self._outage.report(error)
                self._metrics.connected(yes=False)
                if time.monotonic() - begun > STABLE_S:
                    backoff.reset()
                stop.wait(backoff.next())
        self._clock.leave()

    def _visit(self, stop: Stop, heartbeat: Callable[[], None]) -> None:
        """One connection, from its beginning to its end."""
        confirming = Confirming(self._marks(), time.monotonic())
        news = News(self._settings.base)
        with self._broker.connect(self._here(online=False)) as connection:
            self._outage.over(self._broker.address, connection.protocol)
            self._metrics.connected(yes=True)
            connection.subscribe(
                [
                    *(f"{self._settings.base}/+/{rest}" for rest in TOPICS),
                    rollout_plan(self._settings.base),
                ],
                retained=True,
            )
            connection.publish(self._here(online=True))
            self._clock.begin(time.monotonic() + SETTLE_S)
            while not stop.is_set():
                heartbeat()
                self._hear(connection, news, confirming)
                self._write(news, confirming)
                for word in confirming.due(time.monotonic()):
                    connection.publish(self._confirmation(word))
                self._send_commands(connection)
                self._clock.tick(time.monotonic())
            connection.close(self._here(online=False))

    def _hear(self, connection: Connection, news: News, confirming: Confirming) -> None:
        # As long as the last write took: slow commits get larger batches, quick ones stay quick.
        wait, end = POLL_S, time.monotonic() + min(self._took_s, 1.0)
        while len(news) < BATCH:
            arrived = connection.poll(wait)
            for item in arrived:
                if isinstance(item, Received) and (came := news.hear(item, time.monotonic())):
                    confirming.came(came)
            if not arrived or time.monotonic() > end:
                break
            wait = GATHER_S

    def _write(self, news: News, confirming: Confirming) -> None:
        if not len(news):
            return
        begun = time.monotonic()
        taken = news.write(self._database, time.time(), confirming.hopeless())
        self._took_s = time.monotonic() - begun
        self._metrics.wrote(taken.stored, self._took_s)
        confirming.taken(taken)

    def _send_commands(self, connection: Connection) -> None:
        """Publish what operators signed. Marked first: a command is sent once or not at all."""
        with self._database.reading() as reading:
            queued = select(commands.c.nonce).where(commands.c.state == CommandState.QUEUED.value)
            nonces = reading.execute(queued).scalars().all()
        if not nonces:
            return
        with self._database.news() as (writing, batch):
            mine = (
                update(commands)
                .where(commands.c.nonce.in_(nonces), commands.c.state == CommandState.QUEUED.value)
                .values(state=CommandState.SENT.value, batch=batch)
                .returning(commands.c.device, commands.c.text)
            )
            claimed = writing.execute(mine).all()
        for device, text in claimed:
            topic = Topics(self._settings.base, device).command
            connection.publish(Message(topic, text.encode()))

    def _marks(self) -> dict[str, Watermark]:
        with self._database.reading() as reading:
            rows = reading.execute(select(devices.c.id, devices.c.whole, devices.c.chain)).all()
        return {name: Watermark(whole, chain) for name, whole, chain in rows}

    def _confirmation(self, word: Word) -> Message:
        mark = word.mark
        chain = mark.chain if mark.sequence else ""
        payload = ConfirmPayload(mark.sequence, chain, resend=word.resend, tell=word.tell)
        return Message(Topics(self._settings.base, word.device).confirm, to_json(payload))

    def _here(self, *, online: bool) -> Message:
        topic = f"{self._settings.base}/collectors/{self._settings.name}/availability"
        return Message(topic, b"online" if online else b"offline", retain=True)
