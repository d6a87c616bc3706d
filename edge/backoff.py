"""How long to wait before trying again: exponential, with full jitter."""

from __future__ import annotations

import random

STABLE_S = 10.0
"""What held for so long begins again with the first pause."""


class Backoff:
    """Pauses anywhere below a limit that doubles, so that a thousand doors do not come at once.

    Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
    """

    def __init__(self, first_s: float = 2.0, limit_s: float = 60.0) -> None:
        self._first_s = self._bound_s = first_s
        self._limit_s = limit_s
        self._random = random.SystemRandom()

    def next(self) -> float:
        """The pause before the next attempt, seconds."""
        pause_s = self._random.uniform(0.0, self._bound_s)
        self._bound_s = min(2 * self._bound_s, self._limit_s)
        return pause_s

    def reset(self) -> None:
        """Begin again with the first."""
        self._bound_s = self._first_s
