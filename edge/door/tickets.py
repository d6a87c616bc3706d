"""Tickets: a permission to unlock once, now."""

from __future__ import annotations

import re
from collections import OrderedDict

FRESH_S = 1.0
"""A ticket older than this is refused."""
REMEMBERED = 4096
"""So many tickets are remembered; the oldest is forgotten first, long after it went stale."""

_TICKET = re.compile(r"[0-9a-f]{32}")


class Tickets:
    """Which tickets were shown. Every ticket counts as used once shown, followed or not."""

    def __init__(self, started_at: float) -> None:
        """`started_at`: what was issued before is refused, since its use is not remembered."""
        self._started_at = started_at
        self._shown: OrderedDict[str, None] = OrderedDict()

    def refuse(self, ticket: str, issued_at: float, now: float) -> str:
        """Why this ticket does not count; empty when it does. Times: monotonic seconds."""
        if not _TICKET.fullmatch(ticket):
            return "a ticket is 32 hexadecimal digits"
        if ticket in self._shown:
            return "this ticket was used before"
        self._shown[ticket] = None
        if len(self._shown) > REMEMBERED:
            self._shown.popitem(last=False)
        return self._refuse_time(issued_at, now)

    def _refuse_time(self, issued_at: float, now: float) -> str:
        if issued_at > now:
            return "this ticket is from the future"
        if now - issued_at > FRESH_S:
            return f"this ticket is older than {FRESH_S:g} s"
        if issued_at < self._started_at:
            return "this ticket was issued before the guard started"
        return ""
