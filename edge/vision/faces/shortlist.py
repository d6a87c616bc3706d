"""Which frames are embedded: the better ones of a track, and as few as are needed.

Pure: time comes from the frames.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.records import Quality

EMBED_EVERY_S = 0.2
"""Until it is decided who somebody is; eyelids are followed on every frame."""
EASED_EMBED_S = 0.5
"""The same on a board that is too slow for more."""
KNOWN_EMBED_S = 1.0
"""Afterwards, to see that nobody takes their place: while lids move, before a blink counts, and
while a challenge runs, there are more."""
BETTER_S = 0.1
"""So long a frame that is due waits for a sharper one..."""
SHARP, MEMORY_S = 0.9, 1.0
"""...where it has less than this share of the sharpness that these last seconds had."""


class Shortlist:
    """Says of each frame of a track whether the embedder takes it."""

    def __init__(self) -> None:
        self._taken_at = float("-inf")
        self._track = 0
        self._asked = False
        self._seen: deque[tuple[float, float]] = deque()

    def takes(
        self, at: float, track: int, quality: Quality, every_s: float, *, in_time: bool
    ) -> bool:
        """Whether this frame is to be embedded.

        Args:
            at: Its stamp.
            track: Whose it is; the first frame of a track is taken at once.
            quality: What it looks like; one that may not be judged is never taken.
            every_s: How often.
            in_time: Whether it would be ready in the frame's time; others are put off, for
                `EMBED_EVERY_S` at most.
        """
        if not quality.ok:
            return False
        best = self._best(at, track, quality.sharpness)
        if track != self._track or self._asked:
            return True
        late_s = at - self._taken_at - every_s
        if late_s < 0 or not (in_time or late_s >= EMBED_EVERY_S):
            return False
        return late_s >= BETTER_S or quality.sharpness >= SHARP * best

    def taken(self, at: float, track: int) -> None:
        """A frame was embedded, and is this track's."""
        self._taken_at, self._track, self._asked = at, track, False

    def ask(self) -> None:
        """The next frame is to be embedded, whenever the last one was."""
        self._asked = True

    def ask_within(self, at: float) -> None:
        """As `ask`, where the last one was a while ago."""
        self._asked = self._asked or at - self._taken_at >= EMBED_EVERY_S

    def _best(self, at: float, track: int, sharpness: float) -> float:
        """The sharpest of the last frames of this track."""
        if track != self._track:
            self._seen.clear()
        self._seen.append((at, sharpness))
        while self._seen[0][0] < at - MEMORY_S:
            self._seen.popleft()
        return max(sharp for _, sharp in self._seen)
