"""What a proof of life rests on: the comparisons made while it was given.

That all of them are one track's says little: a picture may resemble two people, half the one who
blinks and half the one who is to be let in (Ferrara et al. 2014, "The magic passport"). So whoever
decides compares what was seen then with the person who matches now.

Pure: time comes from the frames.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.records import Embedding

_MORE_S = 2.0
"""A blink begins so long before it counts, at most."""


class Compared:
    """The newest embeddings of one track."""

    def __init__(self, lasts_s: float) -> None:
        """`lasts_s`: what the longest proof takes, and how long it stands."""
        self._lasts_s = lasts_s + _MORE_S
        self._track = -1
        self._seen: deque[tuple[float, Embedding]] = deque()

    def add(self, at: float, track: int, embedding: Embedding) -> None:
        """Take what was compared on a frame."""
        if track != self._track:
            self._track = track
            self._seen.clear()
        self._seen.append((at, embedding))
        while self._seen[0][0] < at - self._lasts_s:
            self._seen.popleft()

    def since(self, begin: float | None) -> tuple[Embedding, ...]:
        """All from `begin` on; none for None."""
        if begin is None:
            return ()
        return tuple(embedding for at, embedding in self._seen if at >= begin)
