"""Does a lamp flicker with the mains? Then bands roll over everybody, and tell nothing.

The room shows it while nobody is in view. It has to for a quarter of an hour, or whoever means to
show a film would first hold up an empty screen; who is so patient has got rid of the bands alone.
A dark room shows nothing: there a camera's own noise goes row by row. Pure: time comes from the
frames.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import cv2

from edge.records import Box
from edge.vision.liveness.bands import SIDE, strength_of
from edge.vision.liveness.limits import (
    BANDS_COUNT,
    ROOM_EVERY_S,
    ROOM_LIGHT,
    ROOM_LOOKS,
)
from edge.vision.liveness.views import around

if TYPE_CHECKING:
    from edge.records import Frame

_SHARE = 1 / 3
"""Of the frame's height: about a face's."""


class Flicker:
    """Looks at the empty room now and then."""

    def __init__(self) -> None:
        self._looked_at = float("-inf")
        self._strengths: deque[float] = deque(maxlen=ROOM_LOOKS)

    def is_due(self, at: float) -> bool:
        """Whether it wants to see two pictures, one right after the other."""
        return at - self._looked_at >= ROOM_EVERY_S

    def see_empty(self, frame: Frame, before: Frame | None) -> None:
        """Nobody is in this frame.

        Of a camera that lets pictures pass, two may be just as far apart as a lamp's flashes.
        """
        consecutive = before is not None and frame.sequence == before.sequence + 1
        if not consecutive or not self.is_due(frame.captured_at):
            return
        height, width = frame.pixels.shape[:2]
        side = _SHARE * height
        middle = Box((width - side) / 2, (height - side) / 2, side, side)
        strength = strength_of(frame, before, middle)
        if strength is None:
            return
        self._looked_at = frame.captured_at
        if cv2.mean(around(frame.pixels, middle, 1.0, SIDE))[1] >= ROOM_LIGHT:
            self._strengths.append(strength)

    @property
    def rolls(self) -> bool:
        """Whether bands roll over this room whoever is in it."""
        return sum(strength > BANDS_COUNT for strength in self._strengths) > ROOM_LOOKS / 2
