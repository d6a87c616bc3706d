"""What this door left on the broker under another name: retained, it would stay there for ever.

Under which names it has spoken is kept beside the outbox. Where the key still stands that it had
then, all of it is its own and is cleared, the key last; where another's stands, the name is
another door's by now.
"""

from __future__ import annotations

import base64
import json
import logging
import os
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

from edge import plain
from edge.errors import WireError, reason_of
from edge.files import replace_file
from edge.held import open_ordinary
from edge.link.discovery import config_topic
from edge.link.payloads import AuditKey, from_json
from edge.link.reference import TOLD
from edge.link.topics import Message, Topics

if TYPE_CHECKING:
    from pathlib import Path

    from typing_extensions import Self

    from edge.config import Config
    from edge.link.arrivals import Acknowledged
    from edge.link.client import Connection

_LONGEST = 1 << 16
_MODE = 0o640

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Name:
    """Under which a door speaks."""

    base: str
    device: str
    discovery: str
    """Home Assistant's prefix."""
    key: str = ""
    """Base64 of the public key that signed its events."""

    @classmethod
    def of(cls, config: Config) -> Self:
        """The one in force."""
        return cls(config.mqtt.base_topic, config.device.id, config.mqtt.discovery_prefix)

    @property
    def place(self) -> Topics:
        """Where its topics are."""
        return Topics(self.base, self.device)

    @property
    def retained(self) -> list[str]:
        """Every topic on which it left something, the key last."""
        kept = [self.place.at(topic.name) for topic in TOLD if topic.retained]
        kept.remove(self.place.audit_key)
        return [*kept, config_topic(self.discovery, self.device), self.place.audit_key]


def names_before(config: Config) -> tuple[Name, ...]:
    """Those under which something of this door may still stand on the broker.

    Raises:
        OSError: they cannot be read.
    """
    now = Name.of(config)
    return tuple(each for each in _read(config.names) if replace(each, key="") != now)


class Former:
    """Clears them away, on every connection until the broker has taken it. For one thread."""

    def __init__(self, config: Config) -> None:
        self._path = config.names
        self._now = Name.of(config)
        try:
            self._before = list(names_before(config))
        except OSError as error:
            _log.warning("%s cannot be read: %s", self._path, reason_of(error))
            self._before = []
        self._last: dict[int, Name] = {}
        """By the ticket of what was cleared last."""

    def greet(self, connection: Connection, public: bytes) -> None:
        """There is a new connection, over which this door speaks under its name."""
        self._now = replace(self._now, key=base64.b64encode(public).decode())
        self._last.clear()
        self._write()
        for name in self._before:
            if name.place == self._now.place:  # Home Assistant's prefix alone is another
                self._clear(connection, name)
            else:
                connection.subscribe([name.place.audit_key], retained=True)

    def hear(self, topic: str, payload: bytes, connection: Connection) -> bool:
        """Whether this was a key under another name; then it is seen to whose."""
        elsewhere = [name for name in self._before if name.place != self._now.place]
        heard = [name for name in elsewhere if topic == name.place.audit_key]
        for name in heard if payload else ():
            try:
                ours = from_json(AuditKey, payload).key == name.key
            except WireError:
                ours = False
            if ours:
                self._clear(connection, name)
            else:
                self._forget(name)
        return bool(heard)

    def acknowledged(self, answer: Acknowledged) -> None:
        """The broker has taken something."""
        name = self._last.pop(answer.ticket, None)
        if name is not None and not answer.refused:
            _log.info("cleared what this door left under %s", name.place.at(""))
            self._forget(name)

    def _clear(self, connection: Connection, name: Name) -> None:
        ticket = 0
        for topic in name.retained:
            if topic not in self._now.retained:
                ticket = connection.publish(Message(topic, b"", retain=True))
        self._last[ticket] = name

    def _forget(self, name: Name) -> None:
        self._before.remove(name)
        self._write()

    def _write(self) -> None:
        names = [asdict(name) for name in (*self._before, self._now)]
        text = json.dumps(names, indent=1).encode()
        try:
            if list(_read(self._path)) != [*self._before, self._now]:
                replace_file(self._path, text, _MODE)
        except OSError as error:
            _log.warning("%s cannot be written: %s", self._path, reason_of(error))


def _read(path: Path) -> tuple[Name, ...]:
    """Damaged, it names none: nothing is cleared by it."""
    try:
        with os.fdopen(open_ordinary(path), "rb") as file:
            return plain.read(tuple[Name, ...], json.loads(file.read(_LONGEST)))
    except FileNotFoundError:
        return ()
    except (ValueError, RecursionError):
        return ()
