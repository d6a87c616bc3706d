"""Where the broker is, and with which version of MQTT it is spoken to."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from edge.errors import BrokerError, ConfigError
from edge.link.client import Connection
from edge.link.encryption import read_text, tls_context
from edge.link.entry import Entry
from edge.link.refusals import NoMqtt5Error

if TYPE_CHECKING:
    from edge.config.network import MqttSection
    from edge.link.topics import Message

MAX_PACKET = 16 * 1024
"""Bytes that a door takes at once, unless more are expected."""
RECEIVE_AT_ONCE = 20
"""Messages that a door takes before it has acknowledged the first."""
FALLBACK_S = 3600.0
"""A broker that knew only 3.1.1 is asked for MQTT 5 again after so long: it may be updated."""
SILENCES = 3
"""Silence is no proof of an old broker, which may be busy: 3.1.1 is tried after so many in a row,
at least `SILENT_S` after the first. Some old brokers never say more than that."""
SILENT_S = 20.0

_log = logging.getLogger(__name__)


class Broker:
    """Where the broker is and how to enter.

    Passwords and certificates are read at every attempt: they may be renewed, or come later.
    """

    def __init__(
        self,
        mqtt: MqttSection,
        client_id: str,
        max_packet: int = MAX_PACKET,
        at_once: int = RECEIVE_AT_ONCE,
    ) -> None:
        """`mqtt.host` must be set.

        `max_packet`: bytes; an MQTT 5 broker keeps longer packets back.
        `at_once`: messages that an MQTT 5 broker sends before the first is acknowledged.

        Raises:
            ConfigError: it is not.
        """
        if mqtt.host is None:
            raise ConfigError("mqtt.host: not set, so there is no broker to connect to.")
        self._mqtt = mqtt
        self._host = mqtt.host
        self._client_id = client_id
        self._max_packet, self._at_once = max_packet, at_once
        self._warned = self._told_open = False
        self._five_again_at = 0.0
        self._silences = 0
        self._silent_since = 0.0

    @property
    def address(self) -> str:
        """`host:port`, for people."""
        return f"{self._host}:{self._mqtt.port}"

    def connect(self, will: Message | None = None) -> Connection:
        """Connect with MQTT 5, else 3.1.1 if the configuration lets it. Takes seconds at most.

        Raises:
            BrokerError: nobody there, not trusted, or refused; the text says what to do.
        """
        if self._mqtt.protocol == "3.1.1" or time.monotonic() < self._five_again_at:
            return self._open(will, five=False)
        try:
            connection = self._open(will, five=True)
        except NoMqtt5Error as error:
            if self._mqtt.protocol == "5":
                raise BrokerError(
                    f"{error} It may know only MQTT 3.1.1: [mqtt] protocol = 'auto' allows that."
                ) from error
            if not error.proven and not self._silent_for_long():
                raise
        else:
            self._silences = 0
            return connection
        connection = self._open(will, five=False)
        self._five_again_at = time.monotonic() + FALLBACK_S
        if not self._warned:
            self._warned = True
            _log.warning(
                "the broker at %s does not speak MQTT 5; using 3.1.1. Lost with it: a publish that "
                "the broker's access list forbids is reported as a success, refusals come without "
                "a reason, and neither long packets nor live retained commands are marked",
                self.address,
            )
        return connection

    def _silent_for_long(self) -> bool:
        now = time.monotonic()
        if not self._silences:
            self._silent_since = now
        self._silences += 1
        return self._silences >= SILENCES and now - self._silent_since >= SILENT_S

    def _open(self, will: Message | None, *, five: bool) -> Connection:
        mqtt = self._mqtt
        entry = Entry(
            host=self._host,
            port=mqtt.port,
            client_id=self._client_id,
            keepalive_s=mqtt.keepalive_s,
            user=mqtt.username,
            password=None if mqtt.username is None else self._password(),
            tls=tls_context(mqtt) if mqtt.tls else None,
            max_packet=self._max_packet,
            at_once=self._at_once,
        )
        return Connection.open(entry, will, five=five)

    def _password(self) -> str | None:
        file = self._mqtt.password_file
        if file is None:
            return None
        text = read_text("password_file", file).strip("\r\n")
        if not text:
            raise BrokerError(f"mqtt.password_file: {file} is empty.")
        if file.stat().st_mode & 0o077 and not self._told_open:
            self._told_open = True
            _log.warning("others can read %s: chmod 600 it", file)
        return text
