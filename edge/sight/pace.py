"""Are frames judged often enough to see blinks? Pure: time comes from the frames."""

from __future__ import annotations

from collections import deque

NEEDED_FPS = 12.0
"""A blink is over in 0.1 to 0.3 s: at fewer frames a second it falls between two of them."""
_AGAIN_FPS = 13.0
"""Fast again is a little more than enough: a board on the edge would be both in turn."""
_OVER_S = 3.0
"""The rate is that of the last seconds with somebody in front; nobody needs a rate while alone."""
_PAUSE_S = 1.0
"""Nobody was in front for so long: the rate is counted anew."""
_CALM_S = 300.0
"""Not slow for so long: a board on the edge would push the visits out of the record, an event every
few seconds."""


class Pace:
    """Watches the rate at which people are looked at."""

    def __init__(self) -> None:
        self._judged: deque[float] = deque()
        self._slow_at = 0.0
        """When it was slow last."""
        self.slow = False
        """Blinks are missed; whoever stands there waits for a challenge, or for nothing."""

    def judged(self, at: float) -> bool:
        """A frame with somebody in it: whether `slow` has just changed."""
        if self._judged and at - self._judged[-1] > _PAUSE_S:
            self._judged.clear()
        self._judged.append(at)
        span = at - self._judged[0]
        if span < _OVER_S:
            return False
        rate = (len(self._judged) - 1) / span
        while at - self._judged[0] >= _OVER_S:
            self._judged.popleft()
        was = self.slow
        if rate < (_AGAIN_FPS if was else NEEDED_FPS):
            self.slow, self._slow_at = True, at
        elif at - self._slow_at >= _CALM_S:
            self.slow = False
        return was is not self.slow
