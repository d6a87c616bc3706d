"""Is there a face that does not leave? Pure: time comes from the frames.

A poster, a mirror, a screen, or somebody at a desk in view: whoever comes is two, and is not let
in, and a face that nobody knows and that is judged all day locks the door. Only the owner can mend
that.
"""

from __future__ import annotations

STAYS_S = 600.0
"""Nobody waits so long to be let in."""
_GAP_S = 5.0
"""A picture is not found on every frame; who passes by is followed by another later than this."""
_CALM_S = 3600.0
"""It is said again no sooner: where people pass all day, it would fill the record."""


class Company:
    """Follows whether some face is in view."""

    def __init__(self) -> None:
        self._since = 0.0
        self._seen_at = self._told_at = float("-inf")
        self.stays = False
        """There has been one all the time."""

    def see(self, faces: int, at: float) -> bool:
        """Take a frame: whether it is time to tell the owner."""
        if at - self._seen_at > _GAP_S:
            self.stays = False
            self._since = at
        if faces:
            self._seen_at = at
        self.stays = self.stays or at - self._since >= STAYS_S
        if not self.stays or at - self._told_at < _CALM_S:
            return False
        self._told_at = at
        return True
