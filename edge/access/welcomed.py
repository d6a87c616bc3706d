"""Who was let in is not let in again in the same visit: who stays and blinks pumps no relay.

A visit is over when nobody was in view for `cooldown_s`. All time is the frames' own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.records import Evidence, Match


@dataclass(frozen=True, slots=True)
class Welcomed:
    """Who was let in, and when somebody was last in view since."""

    people: frozenset[str | None] = frozenset()
    seen_at: float = -math.inf

    def holds(self, match: Match | None) -> bool:
        """Whether this is somebody who was let in already."""
        return match is not None and match.matched and match.person in self.people

    def joined(self, match: Match | None, at: float) -> Welcomed:
        """The visit with one more person let in."""
        return Welcomed(self.people | {match.person if match else None}, at)

    def after(self, evidence: Evidence, cooldown_s: float) -> Welcomed:
        """The visit after one more frame: over when nobody was in view for `cooldown_s`."""
        if not self.people or not evidence.faces:
            return self
        if evidence.captured_at - self.seen_at > cooldown_s:
            return Welcomed()
        return replace(self, seen_at=evidence.captured_at)
