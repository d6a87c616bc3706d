"""A switch that chatters, or that somebody plays with, is counted and not told each time.

Else it fills the ledger until the grants fall out, and keeps sight busy writing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from edge.access.bucket import Thinned
from edge.vocabulary import Reason

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.wire.messages import Happened

SWITCHED = frozenset({Reason.REX, Reason.OPENED, Reason.CLOSED, Reason.FORCED, Reason.TAMPER})
"""What follows from a switch alone; the lock's own movements are few and always told."""
AT_ONCE, EVERY_S = 4, 2.0
"""Of each reason: somebody who comes and goes is told in full."""


class Chatter:
    """Lets a few of each through at once, then one at a time that says how many it stands for."""

    def __init__(self) -> None:
        self._thinned = {reason: Thinned(EVERY_S, AT_ONCE) for reason in SWITCHED}
        self._newest: dict[Reason, Happened] = {}

    def pass_on(self, happened: Happened, now: float) -> Happened | None:
        """What is to be told now; None: it was counted."""
        if happened.reason not in SWITCHED:
            return happened
        self._newest[happened.reason] = happened
        return _standing_for(happened, self._thinned[happened.reason].add(now))

    def late(self, now: float) -> Iterator[Happened]:
        """What was counted and may be told by now. Call it now and then."""
        for reason, newest in self._newest.items():
            if told := _standing_for(newest, self._thinned[reason].due(now)):
                yield told


def _standing_for(newest: Happened, times: int) -> Happened | None:
    if times > 1:
        return replace(newest, detail={**newest.detail, "times": float(times)})
    return newest if times else None
