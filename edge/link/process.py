"""The link process: `run` is the whole of it. One thread, one loop.

It reads the ledger, keeps an outbox of its own, and asks sight; it holds no key, opens no camera
and no pin. Whatever reaches it from the network, the most it can do is lock the door or
name the person in front of it.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from edge.access.bucket import TokenBucket
from edge.access.operators import Operators, Role
from edge.backoff import STABLE_S, Backoff
from edge.errors import BrokerError, CommandError, LedgerError, WireError
from edge.ledger.reading import read_ledger
from edge.link import discovery
from edge.link.answering import Answering
from edge.link.arrivals import Acknowledged, Received
from edge.link.broker import MAX_PACKET, Broker
from edge.link.commands import Commands, Confirmation
from edge.link.former import Former
from edge.link.ledger_rest import LedgerRest
from edge.link.outage import Outage
from edge.link.outbox import Fill, Outbox
from edge.link.people import MAX_PACKET as PEOPLE_PACKET
from edge.link.people import PeoplePost
from edge.link.reporting import Reporter
from edge.link.shipper import Shipper
from edge.link.sight_client import SightClient
from edge.link.telling import Telling
from edge.link.topics import Topics
from edge.link.twin import Twin
from edge.link.updates import UpdatePost
from edge.wire.messages import Command

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.config import Config
    from edge.ledger.ledger import Ledger
    from edge.link.client import Connection
    from edge.stopping import Stop
    from edge.wire.messages import Request

POLL_S = 0.05
LEDGER_WAIT_S = 0.5

_log = logging.getLogger(__name__)


def run(
    config: Config,
    stop: Stop,
    heartbeat: Callable[[], None] = lambda: None,
) -> int:
    """Ship events and hear commands until `stop`; returns the exit code.

    `heartbeat` is called by the working loop, at least every 15 s even while the network hangs.

    Raises:
        ConfigError: a file that `[mqtt]` names is missing or wrong.
        LedgerError: the outbox cannot be opened, or the ledger was replaced: start again.
    """
    if config.mqtt.host is None:
        _log.info("MQTT is off: [mqtt] host is not set. Nothing is sent")
        return 0
    name = f"edge-door-{config.device.id}"
    broker = Broker(
        config.mqtt,
        name,
        PEOPLE_PACKET if config.people.keys or config.mqtt.updates else MAX_PACKET,
    )
    ledger = _await_ledger(config, stop, heartbeat)
    if ledger is None:
        return 0
    with (
        ledger,
        Outbox.open(config.outbox_db) as outbox,
        SightClient(config.sight_socket) as sight,
    ):
        Link(config, broker, ledger, outbox, sight).serve(stop, heartbeat)
    return 0


def _await_ledger(config: Config, stop: Stop, heartbeat: Callable[[], None]) -> Ledger | None:
    """The ledger, once sight has made it; None when told to stop before."""
    said = ""
    while not stop.is_set():
        heartbeat()
        try:
            return read_ledger(config)
        except LedgerError as error:
            if str(error) != said:
                said = str(error)
                _log.warning("%s Waiting for it", error)
        stop.wait(LEDGER_WAIT_S)
    return None


class Link:
    """Keeps a connection to the broker and carries messages both ways over it."""

    def __init__(
        self, config: Config, broker: Broker, ledger: Ledger, outbox: Outbox, sight: SightClient
    ) -> None:
        self._config = config
        self._broker = broker
        self._ledger = ledger
        self._outbox = outbox
        self._sight = sight
        self._topics = Topics(config.mqtt.base_topic, config.device.id)
        self._commands = Commands(
            self._topics,
            self._operators,
            trust_broker=config.mqtt.trust_broker,
            claims=config.claims_from_afar,
        )
        self._shipper = Shipper(ledger, outbox, self._topics)
        self._telling = Telling(
            self._topics, sight, Reporter(ledger, outbox, config.mqtt.cert_file)
        )
        self._answering = Answering(self._topics, sight, face=config.mqtt.last_face)
        self._ledger_rest = LedgerRest()
        self._twin = Twin(self._topics)
        self._former = Former(config)
        self._people = PeoplePost(self._topics, sight.ask)
        self._updates = (
            UpdatePost(self._topics, config.offered_bundle, config.taken_bundle)
            if config.mqtt.updates
            else None
        )
        self._announcer = discovery.status_topic(config.mqtt.discovery_prefix)
        self._buckets = {
            topic: TokenBucket(per_second=2.0, burst=10)
            for topic in (*self._topics.heard, self._announcer)
        }
        self._outage = Outage()
        self._news = True
        self._states: dict[str, str] = {}
        self._refused: set[str] = set()
        self._confirmation: Confirmation | None = None
        # Others decide how often something is refused; the disk decides how often it is said.
        self._complaints = TokenBucket(per_second=0.2, burst=10)

    def serve(self, stop: Stop, heartbeat: Callable[[], None]) -> None:
        """Connect, work, connect again, until `stop`."""
        backoff = Backoff()
        while not stop.is_set():
            heartbeat()
            connected_at = time.monotonic()
            try:
                with self._broker.connect(self._topics.available(online=False)) as connection:
                    self._greet(connection)
                    self._outage.over(self._broker.address, connection.protocol)
                    self._work(connection, stop, heartbeat)
                    connection.close(self._topics.available(online=False))
            except BrokerError as error:
                self._outage.report(error)
                if time.monotonic() - connected_at > STABLE_S:
                    backoff.reset()
                _rest(backoff.next(), stop, heartbeat)

    def _greet(self, connection: Connection) -> None:
        """Subscribe, then tell all states, then say `online`: in this order, on every connect."""
        connection.subscribe(self._buckets)
        self._tell_key(connection)
        self._people.greet()
        if self._updates is not None:
            self._updates.greet()
        self._announce(connection)
        self._telling.forget()
        self._refused.clear()
        self._sight.poll()
        self._shipper.begin()
        self._ledger_rest.guarded(self._take_stock)
        self._telling.states(connection, self._states)
        self._telling.availability(connection)

    def _work(self, connection: Connection, stop: Stop, heartbeat: Callable[[], None]) -> None:
        while not stop.is_set():
            heartbeat()
            for arrived in connection.poll(POLL_S):
                if isinstance(arrived, Received):
                    self._hear(arrived, connection)
                else:
                    self._account(arrived)
            for answer in self._sight.poll():
                self._answering.pass_on(answer, connection)
            self._ledger.stand()
            self._ledger_rest.guarded(lambda: self._ship(connection))
            self._answering.ask_for_the_face()
            if connection.room:
                self._tell(connection)

    def _tell(self, connection: Connection) -> None:
        """All but events. What waits for the broker's answers is told as it is then."""
        self._telling.states(connection, self._states)
        self._telling.availability(connection)
        self._telling.metrics(connection)
        self._ledger_rest.guarded(lambda: self._telling.report(connection, twin=self._twin.found))
        self._people.tend(connection, self._states)
        if self._updates is not None:
            self._updates.tend(connection)

    def _ship(self, connection: Connection) -> None:
        self._look_for_news()
        self._confirm(connection)
        self._shipper.pump(connection)

    def _take_stock(self) -> None:
        self._look_for_news()
        warning = Fill.of(self._ledger, self._outbox.watermarks()).warning
        if warning:
            _log.warning("%s", warning)

    def _look_for_news(self) -> None:
        self._news = self._ledger.changed() or self._news
        if self._news:
            self._shipper.wake()
            self._states = self._ledger.states()
            self._news = False

    def _announce(self, connection: Connection) -> None:
        mqtt = self._config.mqtt
        connection.publish(
            discovery.announcement(self._config, self._topics)
            if mqtt.discovery
            else discovery.withdrawal(mqtt.discovery_prefix, self._config.device.id)
        )

    def _tell_key(self, connection: Connection) -> None:
        public = self._ledger.public_key()
        if public:
            self._twin.begin(public)
            self._former.greet(connection, public)
            connection.subscribe([self._topics.audit_key], retained=True)
            connection.publish(self._topics.key(public))

    def _hear(self, received: Received, connection: Connection) -> None:
        topic, payload = received.topic, received.payload
        if self._former.hear(topic, payload, connection):
            return
        if topic == self._topics.audit_key:
            self._twin.hear(payload)
            return
        if self._people.hear(topic, payload) or self._hear_of_update(topic, payload):
            return
        if topic in self._buckets:  # some brokers send what nobody asked for
            self._obey(received, connection)

    def _obey(self, received: Received, connection: Connection) -> None:
        topic, payload = received.topic, received.payload
        try:
            if topic != self._announcer:
                self._follow(topic, self._commands.read(topic, payload, retained=received.retained))
            elif payload == b"online" and self._buckets[topic].take(time.monotonic()):
                self._announce(connection)
        except (CommandError, WireError, LedgerError) as error:
            self._refuse(topic, str(error))
            if topic == self._topics.command and self._buckets[topic].take(time.monotonic()):
                self._answering.refused(connection, payload.decode("utf-8", "replace"), str(error))

    def _hear_of_update(self, topic: str, payload: bytes) -> bool:
        try:
            return self._updates is not None and self._updates.hear(topic, payload)
        except WireError as error:
            self._refuse(topic, str(error))
            return True

    def _follow(self, topic: str, wish: Request | Confirmation) -> None:
        if isinstance(wish, Confirmation):
            # Merged, where others are thinned: the last one must not be lost.
            self._confirmation = wish.after(self._confirmation)
        elif isinstance(wish, Command) or self._buckets[topic].take(time.monotonic()):
            self._sight.ask(wish)
        else:
            raise CommandError("too many at a time, dropped")

    def _operators(self) -> set[str]:
        """Whose signatures are worth a look; sight, which can check the seal, decides."""
        if not self._config.mqtt.permitted:
            return set()
        known = Operators.from_json(self._ledger.unchecked().get("operators"))
        return {*self._config.mqtt.command_keys, *known.keys(Role.OPERATOR)}

    def _confirm(self, connection: Connection) -> None:
        wish, topic = self._confirmation, self._topics.confirm
        if wish is None or not self._buckets[topic].take(time.monotonic()):
            return
        try:
            self._shipper.confirm(wish)
        except CommandError as error:
            self._refuse(topic, str(error))
        if wish.tell:
            self._tell_key(connection)
            self._telling.forget()
        self._confirmation = None

    def _refuse(self, topic: str, why: str) -> None:
        if self._complaints.take(time.monotonic()):
            _log.warning("not followed, on %s: %s", topic, why)

    def _account(self, answer: Acknowledged) -> None:
        self._shipper.acknowledged(answer)
        self._former.acknowledged(answer)
        if not answer.refused or answer.topic in self._refused:
            return
        self._refused.add(answer.topic)
        if answer.too_large:
            _log.error("%s is longer than the broker takes: it is left out", answer.topic)
        else:
            _log.error(
                "the broker refuses to take %s (%s): allow this device to write there. Refused "
                "events wait in the ledger",
                answer.topic,
                answer.refused,
            )


def _rest(pause_s: float, stop: Stop, heartbeat: Callable[[], None]) -> None:
    until = time.monotonic() + pause_s
    while not stop.is_set() and (left := until - time.monotonic()) > 0:
        heartbeat()
        stop.wait(min(left, 1.0))
