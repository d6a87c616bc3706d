"""Switches that bounce."""

from __future__ import annotations


class Debounced:
    """A level that counts once it has been steady."""

    def __init__(self, steady_s: float, *, on: bool) -> None:
        """`on`: the level at the start, taken as it is."""
        self.on = on
        self._steady_s = steady_s
        self._since: float | None = None

    def update(self, now: float, *, on: bool) -> bool:
        """Take a reading; True when the level that counts has changed."""
        if on == self.on:
            self._since = None
            return False
        if self._since is None:
            self._since = now
        if now - self._since < self._steady_s:
            return False
        self.on = on
        self._since = None
        return True

    @property
    def deadline(self) -> float | None:
        """When a reading is due to settle a change; None: no change is under way."""
        return None if self._since is None else self._since + self._steady_s
