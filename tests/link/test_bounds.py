"""What link keeps while a broker's answers are late: a flood stands before them."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from edge.errors import BrokerError
from edge.link import unanswered
from edge.link.arrivals import Received
from edge.link.broker import Broker
from edge.link.process import Link
from edge.link.sight_client import SightClient
from edge.link.topics import Message
from tests.support.link_parts import TOPICS, Device, Mosquitto, needs_mosquitto
from tests.support.waiting import until

if TYPE_CHECKING:
    from edge.link.client import Connection

TURNS = 100
JUNK = Received(TOPICS.command, b'{"nonce": "%s"}' % (b"0" * 32), retained=False)


class Silent:
    """Stands for a connection on which a flood comes in and nothing is answered."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.protocol = "5"
        self.sent: list[Message] = []
        self.polled = 0

    def poll(self, _timeout_s: float) -> list[Received]:
        self.polled += 1
        return [JUNK] * 50

    def takes(self, _message: Message) -> bool:
        return True

    def publish(self, message: Message) -> int:
        self.sent.append(message)
        self.room = max(0, self.room - 1)
        return len(self.sent)

    def is_set(self) -> bool:
        """As what tells link to stop."""
        return self.polled == TURNS


def test_nothing_piles_up_behind_a_flood(device: Device) -> None:
    wire: Any = Silent(room=5)

    def changed() -> None:
        device.append(states={"lock": ("LOCKED", "UNLOCKED")[wire.polled % 2]})

    broker: Any = None
    with SightClient(device.config.sight_socket) as sight:
        link = Link(device.config, broker, device.ledger, device.outbox, sight)
        link._work(wire, wire, changed)
    told_at_once = {message.topic for message in wire.sent}
    assert len(wire.sent) <= 5 + len(told_at_once)


@needs_mosquitto
def test_a_broker_that_does_not_answer_is_sent_only_so_much(
    device: Device, broker: Mosquitto
) -> None:
    event = Message(TOPICS.at("event"), b"{}")

    def answered(connection: Connection) -> bool:
        connection.poll(0.01)
        return connection.room == whole

    with Broker(device.config.mqtt, "test").connect() as connection:
        whole = connection.room
        os.kill(broker.pid, signal.SIGSTOP)
        try:
            while connection.room:
                connection.publish(event)
        finally:
            os.kill(broker.pid, signal.SIGCONT)
        until(lambda: answered(connection))
    assert 0 < whole < 100


@needs_mosquitto
def test_a_broker_that_answers_nothing_is_left(
    device: Device, broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unanswered, "_SILENT_S", 0.1)

    def ends(connection: Connection) -> bool:
        try:
            connection.poll(0.01)
        except BrokerError as error:
            return "acknowledges nothing" in str(error)
        return False

    with Broker(device.config.mqtt, "test").connect() as connection:
        os.kill(broker.pid, signal.SIGSTOP)
        try:
            connection.publish(Message(TOPICS.at("event"), b"{}"))
            until(lambda: ends(connection))
        finally:
            os.kill(broker.pid, signal.SIGCONT)
