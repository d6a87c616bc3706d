"""The other end of `command`: send signed orders to a door and wait for what it says."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import WireError
from edge.link.arrivals import Acknowledged, Received
from edge.link.broker import Broker
from edge.link.payloads import CommandAnswer, from_json
from edge.link.topics import Message, Topics

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from edge.config import Config
    from edge.link.client import Connection


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of an order."""

    sent: bool
    """The broker has it."""
    answer: CommandAnswer | None
    """The door's word; None when none came in time: it may have been followed or not."""

    @property
    def done(self) -> bool:
        """The door has said that it was done."""
        return self.answer is not None and self.answer.outcome == "done"


def send(
    config: Config,
    texts: Sequence[str],
    nonce: str,
    timeout_s: float,
    tell: Callable[[], None] = lambda: None,
) -> Sent:
    """Publish signed commands with one nonce, in order, and wait for the last one's answer.

    `tell` is called again and again while there is no answer.

    Raises:
        BrokerError: the broker is not there, refuses, or the connection is lost.
        ConfigError: `[mqtt]` names no broker, or a file of it is missing.
    """
    topics = Topics(config.mqtt.base_topic, config.device.id)
    broker = Broker(config.mqtt, f"edge-door-command-{secrets.token_hex(4)}")
    with broker.connect() as connection:
        connection.subscribe([topics.at("command/answer")])
        answer, taken = None, False
        for text in texts:
            ticket = connection.publish(Message(topics.command, text.encode()))
            answer, acknowledged = _await(connection, ticket, nonce, timeout_s, tell)
            taken = taken or acknowledged
    return Sent(taken or answer is not None, answer)


def _await(
    connection: Connection, ticket: int, nonce: str, timeout_s: float, tell: Callable[[], None]
) -> tuple[CommandAnswer | None, bool]:
    taken, until = False, time.monotonic() + timeout_s
    while time.monotonic() < until:
        tell()
        for arrived in connection.poll(0.1):
            if isinstance(arrived, Acknowledged):
                taken = taken or (arrived.ticket == ticket and not arrived.refused)
            elif (answer := _answer(arrived)) is not None and answer.id == nonce:
                return answer, taken
    return None, taken


def _answer(received: Received) -> CommandAnswer | None:
    try:
        return from_json(CommandAnswer, received.payload.decode("utf-8"))
    except (WireError, UnicodeDecodeError):
        return None
