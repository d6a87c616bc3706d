"""Lists of people, their pages and envelopes on their way from broker to sight; link reads none.

The newest list is retained by the broker. It is asked for again now and then: a broker that lost or
held one back, and a list that came faster than sight may be asked, are then made good.
"""

from __future__ import annotations

import base64
import json
import logging
import time
from collections import deque
from typing import TYPE_CHECKING

from edge.access.bucket import TokenBucket
from edge.errors import WireError
from edge.wire.messages import Part, Posted

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edge.link.client import Connection
    from edge.link.topics import Topics

MAX_PACKET = 64 * 1024
"""What brokers commonly take; no list, page or envelope is longer."""
AGAIN_S = 45.0
"""What the broker retains is asked for again after so long: it may have lost or held it back."""
_AT_ONCE = 200
"""Pages and envelopes asked for at a time: each is some 10 kB in sight's queue."""
_PART_BYTES = 30_000
_QUEUE = 400

_log = logging.getLogger(__name__)


class PeoplePost:
    """Carries them. For one thread."""

    def __init__(self, topics: Topics, ask: Callable[[Part], None]) -> None:
        """`ask` hands a piece to sight, or raises WireError when it must wait."""
        self._topics = topics
        self._ask = ask
        self._places = {Posted.PAGE: topics.people_page, Posted.ENVELOPE: topics.people_envelope}
        self._parts: deque[Part] = deque()
        self._asked: set[str] = set()
        self._came: set[str] = set()
        """What was asked for and has come, though sight may not say so yet."""
        self._over: list[str] = []
        """What has come, and need not come again should it be published anew."""
        self._told = ""
        self._again_at = 0.0
        # Anybody may publish; sight checks signatures, and only so many.
        self._lists = TokenBucket(per_second=0.2, burst=5)

    def greet(self) -> None:
        """There is a new connection: ask and tell anew."""
        self._forget()
        self._parts.clear()
        self._over = []
        self._told = ""
        self._again_at = 0.0

    def tend(self, connection: Connection, states: Mapping[str, str]) -> None:
        """Publish sight's report, ask for what it waits for, hand on what has come."""
        report = states.get("roster", "")
        if not report:
            return
        if self._over:
            connection.unsubscribe(self._over)
            self._over = []
        if report != self._told:
            self._told = report
            connection.publish(self._topics.people(report.encode("ascii")))
            self._ask_for(connection, report)
        now = time.monotonic()
        if now >= self._again_at:
            self._again_at = now + AGAIN_S
            self._forget()
            connection.subscribe([self._topics.people_desired], retained=True)
            self._ask_for(connection, report)
        self._hand_on()

    def hear(self, topic: str, payload: bytes) -> bool:
        """Whether this was ours; then it is on its way to sight."""
        if topic == self._topics.people_desired:
            if payload and self._lists.take(time.monotonic()):
                self._queue(Posted.LIST, payload)
            return True
        for what, place in self._places.items():
            if topic.startswith(place("")):
                if payload and topic in self._asked:
                    self._asked.discard(topic)
                    self._came.add(topic)
                    self._over.append(topic)
                    self._queue(what, payload)
                return True
        return False

    def _forget(self) -> None:
        """Whatever is still missing is asked for anew."""
        self._asked.clear()
        self._came.clear()

    def _ask_for(self, connection: Connection, report: str) -> None:
        said = json.loads(report)
        topics = [self._topics.people_page(hashed) for hashed in said["pages"]]
        topics += [self._topics.people_envelope(hashed) for hashed in said["envelopes"]]
        self._came.intersection_update(topics)  # the rest sight has, and may want again one day
        wanted = [topic for topic in topics if topic not in self._asked | self._came]
        wanted = wanted[: max(0, _AT_ONCE - len(self._asked))]
        if wanted:
            self._asked.update(wanted)
            connection.subscribe(wanted, retained=True)

    def _queue(self, what: Posted, payload: bytes) -> None:
        pieces = [payload[i : i + _PART_BYTES] for i in range(0, len(payload), _PART_BYTES)]
        if len(self._parts) + len(pieces) > _QUEUE:
            _log.warning("too much comes from the people office at once; asking again later")
            return
        self._parts += [
            Part(what, number, len(pieces), base64.b64encode(piece).decode("ascii"))
            for number, piece in enumerate(pieces)
        ]

    def _hand_on(self) -> None:
        while self._parts:
            try:
                self._ask(self._parts[0])
            except WireError:
                return  # sight is busy or away: they wait
            self._parts.popleft()
