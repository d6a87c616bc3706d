"""Is the door as a whole online? A connection of link's to the broker alone lets nobody in."""

from __future__ import annotations

from collections import deque

SILENT_S = 15.0
"""Sight may be silent for so long: it starts, or is restarted."""
LOOP_S = 120.0
LOOPS = 3
"""So many losses within `LOOP_S` are a sight that crashes in a loop, though it answers between."""
STEADY_S = 20.0
"""After either, sight must have answered for so long."""


class Presence:
    """Follows whether sight answers. Pure: time is an argument, monotonic seconds."""

    def __init__(self, at: float) -> None:
        """Sight is expected from `at` on."""
        self.online = True
        self._answering = False
        self._turned_at = at
        """Since when sight answers, or does not."""
        self._losses: deque[float] = deque(maxlen=LOOPS)

    def see(self, *, answers: bool, at: float) -> bool:
        """Take what is the case now; whether the door counts as online."""
        if answers is not self._answering:
            if self._answering:
                self._losses.append(at)
            self._answering, self._turned_at = answers, at
        for_s = at - self._turned_at
        looping = len(self._losses) == LOOPS and at - self._losses[0] < LOOP_S
        if looping or (not answers and for_s > SILENT_S):
            self.online = False
        elif answers and for_s >= STEADY_S:
            self.online = True
        return self.online
