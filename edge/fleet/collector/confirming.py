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
CONFIRM_EVERY_S = 0.5
_NOTHING = Watermark(0, "")


@dataclass(frozen=True, slots=True)
class Word:
    """One confirmation to one door."""

    device: str
    mark: Watermark
    resend: bool


class Confirming:
    """Merges confirmations, and spaces the requests to send again."""

    def __init__(self, marks: Mapping[str, Watermark]) -> None:
        """`marks`: what the database holds of each door by now."""
        self._marks = dict(marks)
        self._news: set[str] = set()
        self._came: set[str] = set()
        self._gaps: set[str] = set()
        self._said_at: dict[str, float] = {}
        self._asked_at: dict[str, float] = {}

    def came(self, device: str) -> None:
        """A door is online: the broker may have lost what the door believes delivered."""
        self._came.add(device)

    def taken(self, taken: Taken) -> None:
        """A batch is committed."""
        self._marks.update(taken.confirm)
        self._news.update(taken.confirm)
        self._gaps = (self._gaps - taken.confirm.keys()) | taken.resend

    def missed(self) -> None:
        """A batch could not be written and is gone: everybody must send again."""
        self._came.update(self._marks)

    def due(self, now: float) -> Iterator[Word]:
        """What is to be published at `now`, monotonic seconds."""
        for device in sorted(self._came | self._gaps):
            if now - self._asked_at.get(device, -RESEND_EVERY_S) >= RESEND_EVERY_S:
                self._asked_at[device] = now
                self._came.discard(device)
                yield self._word(device, now, resend=True)
        for device in sorted(self._news):
            if now - self._said_at.get(device, -CONFIRM_EVERY_S) >= CONFIRM_EVERY_S:
                yield self._word(device, now, resend=False)

    def _word(self, device: str, now: float, *, resend: bool) -> Word:
        self._said_at[device] = now
        self._news.discard(device)
        return Word(device, self._marks.get(device, _NOTHING), resend)
