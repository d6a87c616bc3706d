"""What is said back to the doors: how far they are safe, and who must send again. Pure.

A door keeps every event until it is confirmed, so a lost confirmation costs a repetition and
nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.fleet.collector.intake import Watermark

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from edge.fleet.collector.intake import Taken

RESEND_EVERY_S = 5.0
"""Of one door: what it sends again needs time to come."""
CONFIRM_EVERY_S = 0.5
"""Of one door: a confirmation covers all before it, so a few a second are enough."""
ABSENT_AFTER_S = 5.0
"""After connecting, what the broker keeps of a door has come by then, or does not come: the door
may be at another node, and is asked itself."""
HOPELESS_AFTER = 4
"""A door that was asked so often over one connection, and each time went on with later events, has
left the missing ones out: they were longer than its broker takes. What it cut from its ledger it
says itself, in `reported`."""
_NOTHING = Watermark(0, "")


@dataclass(frozen=True, slots=True)
class Word:
    """One confirmation to one door."""

    device: str
    mark: Watermark
    resend: bool
    tell: bool = False


class Confirming:
    """Merges confirmations, and spaces the requests to send again."""

    def __init__(self, marks: Mapping[str, Watermark], now: float) -> None:
        """`marks`: what the database holds of each door by now; `now`: monotonic seconds."""
        self._marks = dict(marks)
        self._absent = set(marks)
        self._absent_at = now + ABSENT_AFTER_S
        self._news: set[str] = set()
        self._came: set[str] = set()
        self._gaps: dict[str, int] = {}  # how often later events came in answer
        self._unanswered: set[str] = set()
        self._said_at: dict[str, float] = {}
        self._asked_at: dict[str, float] = {}

    def came(self, device: str) -> None:
        """A door is online: the broker may have lost what the door believes delivered."""
        self._came.add(device)
        self._absent.discard(device)

    def taken(self, taken: Taken) -> None:
        """A batch is committed."""
        self._marks.update(taken.confirm)
        self._news.update(taken.confirm)
        for device in taken.confirm:
            if device not in taken.resend:
                self._gaps.pop(device, None)
        for device in taken.resend:
            # What happens there meanwhile is no answer, and may wait long in the broker's queue.
            answered = device in self._unanswered and device in taken.went_on
            if answered:
                self._unanswered.discard(device)
            self._gaps[device] = self._gaps.get(device, 0) + answered

    def hopeless(self) -> frozenset[str]:
        """Doors whose missing events will not come any more."""
        return frozenset(door for door, times in self._gaps.items() if times >= HOPELESS_AFTER)

    def due(self, now: float) -> Iterator[Word]:
        """What is to be published at `now`, monotonic seconds."""
        if now >= self._absent_at:
            for device in sorted(self._absent):
                yield self._word(device, now, resend=True, tell=True)
            self._absent.clear()
        for device in sorted(self._came | self._gaps.keys()):
            if now - self._asked_at.get(device, -RESEND_EVERY_S) >= RESEND_EVERY_S:
                self._asked_at[device] = now
                self._came.discard(device)
                self._unanswered.add(device)
                yield self._word(device, now, resend=True)
        for device in sorted(self._news):
            if now - self._said_at.get(device, -CONFIRM_EVERY_S) >= CONFIRM_EVERY_S:
                yield self._word(device, now, resend=False)

    def _word(self, device: str, now: float, *, resend: bool, tell: bool = False) -> Word:
        self._said_at[device] = now
        self._news.discard(device)
        return Word(device, self._marks.get(device, _NOTHING), resend, tell)
