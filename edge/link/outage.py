"""What a log says of a broker that is away: little, and once."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.errors import EdgeDoorError

_log = logging.getLogger(__name__)


class Outage:
    """Says once that the broker is away, once for each further cause, and once that it is back."""

    def __init__(self, meanwhile: str = "Events wait in the ledger; trying again") -> None:
        """`meanwhile`: what becomes of the events until then."""
        self._meanwhile = meanwhile
        self._since = 0.0
        self._said: set[str] = set()

    def report(self, error: EdgeDoorError) -> None:
        """The connection failed or was lost."""
        if not self._said:
            self._since = time.monotonic()
        if str(error) not in self._said:
            self._said.add(str(error))
            _log.warning("%s %s", error, self._meanwhile)

    def over(self, address: str, protocol: str) -> None:
        """There is a connection."""
        if self._said:
            away = time.monotonic() - self._since
            _log.info("connected to %s again after %.1f s, MQTT %s", address, away, protocol)
        else:
            _log.info("connected to %s, MQTT %s", address, protocol)
        self._said.clear()
