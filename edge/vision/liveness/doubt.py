"""What the passive checks of the last seconds add up to."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from edge.vision.liveness.limits import AVERAGED_S, DOUBT_ABOVE, MIN_LOOKS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge.records import Opinion


class Doubt:
    """The opinions on one face: each check's mean over `AVERAGED_S`, and the sum of these."""

    def __init__(self) -> None:
        self._opinions: dict[str, deque[tuple[float, float]]] = {}

    def clear(self) -> None:
        """Another face."""
        self._opinions.clear()

    def add(self, at: float, opinions: Iterable[Opinion]) -> None:
        """Take one frame's."""
        for opinion in opinions:
            self._opinions.setdefault(opinion.check, deque()).append((at, opinion.against))
        for seen in self._opinions.values():
            while seen and seen[0][0] < at - AVERAGED_S:
                seen.popleft()

    @property
    def settled(self) -> bool:
        """Whether there are enough of them; without any, nothing speaks for the face either."""
        counts = [len(seen) for seen in self._opinions.values()]
        return min(counts, default=0) >= MIN_LOOKS

    @property
    def against(self) -> bool:
        """Whether they speak against the face."""
        means = (sum(v for _, v in seen) / len(seen) for seen in self._opinions.values() if seen)
        return sum(means) > DOUBT_ABOVE
