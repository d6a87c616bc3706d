"""Two devices with one id: each finds the other's key where its own should stand.

A device publishes the key that signs its events, retained, and hears its own topic. Another key
there before its own came back is history: the device was set up anew, or took another's place.
Another key after that is a second device that uses the same id now.
"""

from __future__ import annotations

import base64
import logging
from typing import TYPE_CHECKING

from edge.errors import WireError
from edge.link.payloads import AuditKey, from_json

if TYPE_CHECKING:
    from edge.link.topics import Topics

_log = logging.getLogger(__name__)


class Twin:
    """Watches the audit key's topic, for as long as the process lives."""

    def __init__(self, topics: Topics) -> None:
        self._topics = topics
        self._own = ""
        self._came_back = False
        self._told = False
        self.found = False
        """Whether another device uses this id."""

    def begin(self, public: bytes) -> None:
        """`public` is what this device publishes next, a raw Ed25519 key."""
        self._own = base64.b64encode(public).decode()

    def hear(self, payload: bytes) -> None:
        """What stands on the topic."""
        try:
            key = from_json(AuditKey, payload).key
        except WireError:
            return
        if key == self._own:
            self._came_back = True
        elif self._came_back and not self.found:
            self.found = True
            _log.error(
                "another device publishes as %s: two devices must not share [device] id. Give one "
                "of them another, and its own certificate",
                self._topics.at(""),
            )
        elif not self._came_back and not self._told:
            self._told = True
            _log.warning(
                "on %s another key stood than this device's: it was set up anew, or another "
                "device has the same [device] id",
                self._topics.audit_key,
            )
