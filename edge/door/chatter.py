"""A switch that chatters, or that somebody plays with, is counted and not told each time.

Else it fills the ledger until the grants fall out, and keeps sight busy writing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge.access.bucket import TokenBucket
from edge.vocabulary import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.wire.messages import Happened

SWITCHED = frozenset({Reason.REX, Reason.OPENED, Reason.CLOSED, Reason.FORCED, Reason.TAMPER})
"""What follows from a switch alone; the lock's own movements are few and always told."""
AT_ONCE = 10
EVERY_S = 2.0


@dataclass
class _Held:
    """What one reason has waiting."""

    bucket: TokenBucket
    newest: Happened | None = None
    times: int = 0

    def told(self) -> Happened | None:
        """The newest, for all of them."""
        newest, times = self.newest, self.times
        self.newest, self.times = None, 0
        if newest is None or times == 1:
            return newest
        return replace(newest, detail={**newest.detail, "times": float(times)})


class Chatter:
    """Lets a few of each through at once, then one at a time that says how many it stands for."""

    def __init__(self) -> None:
        self._held = {reason: _Held(TokenBucket(1 / EVERY_S, AT_ONCE)) for reason in SWITCHED}

    def pass_on(self, happened: Happened, now: float) -> Happened | None:
        """What is to be told now; None: it was counted."""
        held = self._held.get(happened.reason)
        if held is None:
            return happened
        held.newest, held.times = happened, held.times + 1
        return held.told() if held.bucket.take(now) else None

    def late(self, now: float) -> Iterator[Happened]:
        """What was counted and may be told by now. Call it now and then."""
        for held in self._held.values():
            if held.newest is not None and held.bucket.take(now) and (told := held.told()):
                yield told
