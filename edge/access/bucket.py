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
