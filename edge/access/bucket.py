"""How often something may be asked."""

from __future__ import annotations


class TokenBucket:
    """Lets `burst` through at once and `per_second` in the long run."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._rate = per_second
        self._burst = float(burst)
        self._tokens = self._burst
        self._at = 0.0

    def take(self, now: float) -> bool:
        """Whether one more may pass at `now`, monotonic seconds."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


class Thinned:
    """Lets `at_once` through, then one every `every_s` that stands for those in between."""

    def __init__(self, every_s: float, at_once: int) -> None:
        self._bucket = TokenBucket(1 / every_s, at_once)
        self._times = 0

    def add(self, now: float) -> int:
        """One more: how many are to be told as one now; 0: it was counted."""
        self._times += 1
        return self.due(now)

    def due(self, now: float) -> int:
        """How many were counted and may be told by now."""
        if not self._times or not self._bucket.take(now):
            return 0
        times, self._times = self._times, 0
        return times
