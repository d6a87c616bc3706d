"""Whose blink is it? Pure: time comes from the frames.

A blink is of whoever was compared during it and again soon after, and could have been all through
it. Else somebody blinks between two comparisons of somebody else's picture, or in the dark, and the
picture is lit up afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.records import Hint
from edge.vision.liveness.limits import COMPARED_S

if TYPE_CHECKING:
    from edge.vision.liveness.blink import Blink
    from edge.vision.liveness.sample import Sample

UNCOMPARED = "whose eyes blinked was not seen"
_NEVER = float("-inf")


class Whose:
    """Keeps a blink until it is known whose it is."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Another face, or a gap."""
        self._compared_at = self._unjudged_at = self._completed_at = _NEVER
        self._blink: Blink | None = None

    def observe(self, sample: Sample, blink: Blink | None) -> str:
        """Take a frame, and the blink that it completes, if it does.

        Returns:
            Why a blink is nobody's; empty when none is lost for want of a comparison.
        """
        if sample.hint is not Hint.NONE:
            self._unjudged_at = sample.at
        if sample.compared:
            self._compared_at = sample.at
        if blink is not None:
            self._blink, self._completed_at = blink, sample.at
            if self._compared_at < blink.begin - blink.frame_s:
                return self._nobodys()
        if self._blink is None or not self.waits:
            return ""
        if self._unjudged_at >= self._blink.begin:
            self._blink = None
            return ""
        return self._nobodys() if sample.at - self._blink.end > COMPARED_S else ""

    @property
    def waits(self) -> bool:
        """Whether the next frame has to show who has blinked."""
        return self._blink is not None and self._compared_at <= self._completed_at

    @property
    def known(self) -> Blink | None:
        """The last blink, if it is known to be that of the person in view."""
        return None if self.waits else self._blink

    def judged(self) -> None:
        """The last blink has been judged."""
        self._blink = None

    def _nobodys(self) -> str:
        self._blink = None
        return UNCOMPARED
