"""A connection to the broker: the only importer of paho.

A `Connection` is one TCP connection and is driven by the one thread that owns it: nothing happens
between two calls of `poll`. When it is lost, it is thrown away with all that was on its way in
it; the outbox knows what was not acknowledged, and a new connection begins clean.
"""

from __future__ import annotations

import logging
import select
import ssl
import struct
import time
from typing import TYPE_CHECKING, Literal

from paho.mqtt import MQTTException
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions
from typing_extensions import override

from edge.errors import BrokerError
from edge.link.arrivals import Acknowledged, Received
from edge.link.refusals import NoMqtt5Error, no_answer, refusal, unreachable
from edge.link.unanswered import Unanswered

if TYPE_CHECKING:
    from collections.abc import Iterable

    from paho.mqtt.client import ConnectFlags, DisconnectFlags, MQTTMessage
    from paho.mqtt.reasoncodes import ReasonCode
    from typing_extensions import Self

    from edge.link.entry import Entry
    from edge.link.topics import Message

ANSWER_TIMEOUT_S = 5.0
"""Whoever accepts a connection and is a broker has answered by then."""
_ARRIVALS_A_POLL = 50
"""After so many the loop does its other work: a flood keeps no event from going out."""
_IS_ERROR = 0x80
_UNSPECIFIED = 0x80
_TAKEN_OVER = 0x8E
_TOO_LARGE, _FORMAT_INVALID = 0x95, 0x99
_CODE_AT = 2
"""In the answer to a publish, after the ticket."""
_OVERHEAD = 16
"""Bytes of a PUBLISH beside topic and payload, at most."""

_log = logging.getLogger(__name__)


class _Client(Client):
    """Reads mosquitto's answer to a publish over its `message_size_limit`.

    MQTT 5 has that code only for connections: paho takes it for junk, and ends the connection.
    """

    @override
    def _handle_pubackcomp(self, cmd: Literal["PUBACK", "PUBCOMP"]) -> MQTTErrorCode:
        answer = self._in_packet["packet"]
        if cmd == "PUBACK" and len(answer) > _CODE_AT and answer[_CODE_AT] == _TOO_LARGE:
            answer[_CODE_AT] = _FORMAT_INVALID
        return super()._handle_pubackcomp(cmd)


class Connection:
    """One connection to the broker, driven by `poll`. For one thread."""

    def __init__(self, client: Client, *, five: bool, address: str) -> None:
        self._client = client
        self._five = five
        self._address = address
        self._arrived: list[Received | Acknowledged] = []
        self._unanswered = Unanswered()
        self._welcome: ReasonCode | None = None
        self._max_packet: int | None = None
        self._left_out: set[str] = set()
        self._lost = ""
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe

    @classmethod
    def open(cls, entry: Entry, will: Message | None, *, five: bool) -> Connection:
        """Connect with MQTT 5, or 3.1.1. Takes seconds at most.

        Raises:
            BrokerError: nobody there, not trusted, or refused; the text says what to do.
        """
        client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=entry.client_id,
            # A queued command must not be delivered late: no session outlives its connection.
            clean_session=None if five else True,
            protocol=MQTTProtocolVersion.MQTTv5 if five else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        client.connect_timeout = ANSWER_TIMEOUT_S
        if entry.user is not None:
            client.username_pw_set(entry.user, entry.password)
        if entry.tls is not None:
            client.tls_set_context(entry.tls)
        if will is not None:
            client.will_set(will.topic, will.payload, will.qos, will.retain)
        connection = cls(client, five=five, address=entry.address)
        limits = _limits(entry.max_packet, entry.at_once) if five else None
        try:
            client.connect(entry.host, entry.port, keepalive=entry.keepalive_s, properties=limits)
        except ConnectionResetError as error:
            raise BrokerError(no_answer(entry.address, hung_up=True)) from error
        except (OSError, ValueError) as error:
            raise BrokerError(unreachable(entry.address, error)) from error
        connection.await_welcome()
        return connection

    @property
    def protocol(self) -> str:
        """`5` or `3.1.1`."""
        return "5" if self._five else "3.1.1"

    def await_welcome(self) -> None:
        """Wait for the broker's answer to the connect request.

        Raises:
            BrokerError: it refused, hung up or did not answer in time.
        """
        until = time.monotonic() + ANSWER_TIMEOUT_S
        while self._welcome is None and not self._lost and time.monotonic() < until:
            self._loop(0.1)
        if self._welcome is None:
            hung_up = bool(self._lost)
            self._give_up()
            raise NoMqtt5Error(no_answer(self._address, hung_up=hung_up), proven=False)
        if self._welcome.value >= _IS_ERROR:
            self._give_up()
            raise refusal(self._address, self._welcome.value, str(self._welcome))

    def subscribe(self, topics: Iterable[str], *, retained: bool = False) -> None:
        """Ask for these topics with QoS 1; a refusal is logged when it arrives.

        `retained`: also what was published before and kept by the broker; MQTT 3.1.1 always sends
        it.

        Raises:
            BrokerError: the connection is lost.
        """
        if self._five:
            # What is published as retained stays marked.
            options = SubscribeOptions(
                qos=1,
                retainAsPublished=True,
                retainHandling=SubscribeOptions.RETAIN_SEND_ON_SUBSCRIBE
                if retained
                else SubscribeOptions.RETAIN_DO_NOT_SEND,
            )
            code, _ = self._client.subscribe([(topic, options) for topic in topics])
        else:
            code, _ = self._client.subscribe([(topic, 1) for topic in topics])
        self._check(code)

    def unsubscribe(self, topics: Iterable[str]) -> None:
        """Hear of these no more.

        Raises:
            BrokerError: the connection is lost.
        """
        code, _ = self._client.unsubscribe(list(topics))
        self._check(code)

    @property
    def room(self) -> int:
        """How many more QoS 1 messages to publish before the broker has answered some."""
        return self._unanswered.room

    def takes(self, message: Message) -> bool:
        """Whether the packet is within the broker's limit, which MQTT 5 tells."""
        size = len(message.topic.encode()) + len(message.payload) + _OVERHEAD
        return self._max_packet is None or size <= self._max_packet

    def publish(self, message: Message) -> int:
        """Send; returns the ticket that `Acknowledged` names when QoS is 1.

        What is longer than the broker takes is left out with a warning, ticket 0: it would end
        the connection.

        Raises:
            BrokerError: the connection is lost.
        """
        if not self.takes(message):
            self._leave_out(message)
            return 0
        info = self._client.publish(message.topic, message.payload, message.qos, message.retain)
        if message.qos:
            self._unanswered.add(info.mid, message.topic)
        self._check(info.rc)
        return info.mid

    def _leave_out(self, message: Message) -> None:
        if message.topic not in self._left_out:
            self._left_out.add(message.topic)
            _log.warning(
                "%s is left out: its %d bytes are over the %s that the broker at %s takes",
                message.topic,
                len(message.payload),
                self._max_packet,
                self._address,
            )

    def poll(self, timeout_s: float) -> list[Received | Acknowledged]:
        """What arrived, in order; waits at most `timeout_s` for the first.

        Raises:
            BrokerError: the connection is lost.
        """
        self._loop(timeout_s)
        before = 0
        while not self._lost and before < len(self._arrived) < _ARRIVALS_A_POLL:
            before = len(self._arrived)
            self._loop(0.0)
        if self._unanswered.silent:
            self._lost = self._lost or "the broker acknowledges nothing"
        if self._lost:
            raise BrokerError(f"the connection to {self._address} is lost: {self._lost}.")
        arrived, self._arrived = self._arrived, []
        return arrived

    def close(self, farewell: Message | None = None) -> None:
        """Say `farewell`, wait until the broker has it, and leave without the last will."""
        if farewell is not None and not self._lost:
            try:
                self._leave(self.publish(farewell))
            except BrokerError as error:
                _log.warning("could not say good-bye: %s", error)
        self._give_up()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._give_up()

    def _leave(self, ticket: int) -> None:
        until = time.monotonic() + ANSWER_TIMEOUT_S
        while ticket in self._unanswered and time.monotonic() < until:
            self.poll(0.1)
        self._client.disconnect()

    def _give_up(self) -> None:
        """Drop the socket; a broker that was not told good-bye publishes the last will."""
        self._lost = self._lost or "closed"
        sock = self._client.socket()
        if sock is not None:
            sock.close()
        # Else the two hold each other, and paho's sockets, until the garbage collector comes.
        self._client.on_connect = self._client.on_disconnect = None
        self._client.on_message = self._client.on_publish = self._client.on_subscribe = None

    def _loop(self, timeout_s: float) -> None:
        try:
            code = self._exchange(timeout_s)
        except (MQTTException, ValueError, LookupError, struct.error) as error:
            self._lost = self._lost or f"the broker sent what is not MQTT ({type(error).__name__})"
            return
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS and not self._lost:
            self._lost = code.name

    def _exchange(self, timeout_s: float) -> MQTTErrorCode:
        """Wait, read, write, keep alive. paho's own loop would open a TCP port to wake itself."""
        sock = self._client.socket()
        if sock is None:
            return MQTTErrorCode.MQTT_ERR_NO_CONN
        buffered = isinstance(sock, ssl.SSLSocket) and sock.pending() > 0
        writers = [sock] if self._client.want_write() else []
        ready, free, _ = select.select([sock], writers, [], 0 if buffered else timeout_s)
        code = MQTTErrorCode.MQTT_ERR_SUCCESS
        if ready or buffered:
            code = self._client.loop_read()
        if free and not code:
            code = self._client.loop_write()
        return code or self._client.loop_misc()

    def _check(self, code: int) -> None:
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS:
            self._lost = self._lost or MQTTErrorCode(code).name
            raise BrokerError(f"the connection to {self._address} is lost: {self._lost}.")

    def _on_connect(
        self,
        _client: Client,
        _userdata: object,
        _flags: ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self._welcome = reason
        self._max_packet = getattr(properties, "MaximumPacketSize", None)

    def _on_disconnect(
        self,
        _client: Client,
        _userdata: object,
        _flags: DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.value == _TAKEN_OVER:
            self._lost = (
                "another client came with the same name. Two devices must not share [device] id"
            )
        else:
            self._lost = "it broke off" if reason.value == _UNSPECIFIED else str(reason)

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        self._arrived.append(Received(message.topic, bytes(message.payload), message.retain))

    def _on_publish(
        self,
        _client: Client,
        _userdata: object,
        ticket: int,
        reason: ReasonCode,
        _properties: Properties,
    ) -> None:
        topic = self._unanswered.answered(ticket)
        if topic is not None:
            too_large = reason.value == _FORMAT_INVALID  # nothing else is wrong with ours
            refused = str(reason) if reason.value >= _IS_ERROR else ""
            refused = "Packet too large" if too_large else refused
            self._arrived.append(Acknowledged(ticket, topic, refused, too_large))

    def _on_subscribe(
        self,
        _client: Client,
        _userdata: object,
        _ticket: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        refused = {str(reason) for reason in reasons if reason.value >= _IS_ERROR}
        if refused:
            _log.warning(
                "the broker refused a subscription (%s): some commands will not be heard",
                ", ".join(sorted(refused)),
            )


def _limits(max_packet: int, at_once: int) -> Properties:
    limits = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    limits.MaximumPacketSize = max_packet
    limits.ReceiveMaximum = at_once
    return limits
