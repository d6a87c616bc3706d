"""What the passive checks of the last seconds add up to."""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING

from edge.vision.liveness.limits import (
    AVERAGED_S,
    DOUBT_ABOVE,
    MIN_LOOKS,
    NEAR_ABOVE,
    NEAR_WATCHED_S,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.records import Opinion


class Doubt:
    """The opinions on one face: each check's mean over `AVERAGED_S`, and the sum of these.

    Of a board that looks too seldom, over its last `MIN_LOOKS`.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Another face."""
        self._opinions: dict[str, deque[tuple[float, float]]] = {}
        self._first_at, self._last_at = math.inf, -math.inf
        self._sum = 0.0

    def add(self, at: float, opinions: Sequence[Opinion]) -> None:
        """Take one frame's; most frames have none."""
        if not opinions:
            return
        self._first_at, self._last_at = min(self._first_at, at), at
        for opinion in opinions:
            self._opinions.setdefault(opinion.check, deque()).append((at, opinion.against))
        for seen in self._opinions.values():
            while len(seen) > MIN_LOOKS and seen[0][0] < at - AVERAGED_S:
                seen.popleft()
        kept = [[against for _, against in seen] for seen in self._opinions.values()]
        self._sum = sum(sum(each) / len(each) for each in kept)

    @property
    def settled(self) -> bool:
        """Whether there are enough of them; without any, nothing speaks for the face either.

        A face that is nearly doubted is watched for longer.
        """
        counts = [len(seen) for seen in self._opinions.values()]
        near = NEAR_ABOVE < self._sum <= DOUBT_ABOVE
        watched = not near or self._last_at - self._first_at >= NEAR_WATCHED_S
        return watched and min(counts, default=0) >= MIN_LOOKS

    @property
    def against(self) -> bool:
        """Whether they speak against the face."""
        return self._sum > DOUBT_ABOVE
