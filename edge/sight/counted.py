"""What anybody can cause as often as they like is counted, and not written one by one.

Else whoever holds a card that nobody knows to the reader, or has a reader's two wires, or locks
without end over the broker, fills the ledger until the grants fall out.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edge.access.bucket import Thinned

if TYPE_CHECKING:
    from edge.records import EventKind, Reason
    from edge.sight.journal import Journal
    from edge.wire.messages import Detail

AT_ONCE = 10
"""Of each reason: a person who tries another card, and then another, is written in full."""


class Counted:
    """Writes a few at once, then one at a time that says how many it stands for."""

    def __init__(self, journal: Journal, kind: EventKind, every_s: float) -> None:
        """`every_s`: beyond the first few, one of each reason in so many seconds."""
        self._journal = journal
        self._kind, self._every_s = kind, every_s
        self._thinned: dict[Reason, Thinned] = {}
        self._newest: dict[Reason, Detail] = {}

    def note(self, reason: Reason, detail: Detail) -> None:
        """It happened once more, for this reason."""
        self._newest[reason] = detail
        thinned = self._thinned.setdefault(reason, Thinned(self._every_s, AT_ONCE))
        self._write(reason, thinned.add(time.monotonic()))

    def attend(self) -> None:
        """Write down what was only counted so far, when it is time."""
        for reason, thinned in self._thinned.items():
            self._write(reason, thinned.due(time.monotonic()))

    def _write(self, reason: Reason, times: int) -> None:
        if times:
            more: Detail = {"times": float(times)} if times > 1 else {}
            self._journal.note(self._kind, reason, detail={**self._newest[reason], **more})
