"""Full rate while somebody is there; next to nothing while nobody is. Pure: time is the frames'."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from edge.records import Pixels

REST_AFTER_S = 2.0
"""Nobody for so long: the detector rests."""
PAUSE_S = 0.09
"""While it rests a camera need not show more: of 30 pictures a second every third."""
LOOK_AGAIN_S = 0.11
"""It looks no sooner again, however much moves, so that a tree in the wind costs little; and with
one such picture more it still sees within 0.2 s who steps in."""
LOOK_ANYWAY_S = 1.0
"""It looks though nothing has changed: someone may come slowly."""
_EVERY = 16
"""Pixels between those that are compared: 1,200 of 640x480."""
_LEVELS, _SHARE = 24, 0.01
"""Grey levels that are a change and no noise, and the share of pixels that makes a stir: a face of
80 pixels at 640x480 alone covers twice as much."""


class Attention:
    """Says of each frame whether it is worth a look."""

    def __init__(self) -> None:
        self._seen_at: float | None = None
        self.alone = False
        """Nobody was there for long enough."""
        self._looked_at = float("-inf")
        self._then = np.empty(0, np.int16)

    def rests(self, at: float, pixels: Pixels) -> bool:
        """Whether this frame can be passed over: nobody was there and nothing has changed."""
        if self._seen_at is None:
            self._seen_at = at
        self.alone = at - self._seen_at >= REST_AFTER_S
        if not self.alone:
            return False
        if at - self._looked_at < LOOK_AGAIN_S:
            return True
        now = pixels[::_EVERY, ::_EVERY].astype(np.int16)
        if at - self._looked_at < LOOK_ANYWAY_S and not self._stirs(now):
            return True
        self._looked_at, self._then = at, now
        return False

    def saw(self, at: float) -> None:
        """Somebody was there."""
        self._seen_at = at

    def _stirs(self, now: np.ndarray[tuple[int, ...], np.dtype[np.int16]]) -> bool:
        if now.shape != self._then.shape:
            return True
        return float(np.mean(np.abs(now - self._then) > _LEVELS)) > _SHARE
