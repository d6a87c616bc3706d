"""What the clocks say, as one value: the pure room reads no clock."""

from __future__ import annotations

from dataclasses import dataclass, replace

SET_BACK_S = 60.0
"""A clock that is further behind what it showed before was set back; believed ones differ less."""
_STEP_S = 1.0


@dataclass(frozen=True, slots=True)
class Moment:
    """A reading of both clocks."""

    boot: str
    """Names the run of the monotonic clock; on Linux, /proc/sys/kernel/random/boot_id."""
    at: float
    """Monotonic seconds, comparable within one boot."""
    wall: float
    """Seconds since the Unix epoch."""
    wall_trusted: bool
    """False until the system clock was synchronised."""

    def since(self, earlier: Moment) -> float:
        """Seconds that have certainly passed since `earlier`.

        Across a restart only two trusted walls count, and never backwards: a clock that was set
        back or not set at all shortens no waiting.
        """
        if self.boot == earlier.boot:
            return max(0.0, self.at - earlier.at)
        if self.wall_trusted and earlier.wall_trusted:
            return max(0.0, self.wall - earlier.wall)
        return 0.0


@dataclass(frozen=True, slots=True)
class Latest:
    """The latest that the wall clock has shown while it could be believed.

    The network sets it, and whoever owns that can set it back: no end and no lease would come.
    """

    wall: float = 0.0
    """Before this start, as the record has it."""
    ahead: float = float("-inf")
    """Wall less monotonic seconds, the most since this start: the two part by steps alone."""

    def after(self, now: Moment) -> Latest:
        """Once both clocks were read again."""
        ahead = now.wall - now.at
        if not now.wall_trusted or ahead < self.ahead + _STEP_S:
            return self
        return replace(self, ahead=ahead)

    def behind_s(self, now: Moment) -> float:
        """How far the wall clock is behind what it must show by now; 0 where it is not."""
        return max(0.0, max(self.wall, self.ahead + now.at) - now.wall)

    def not_before(self, now: Moment) -> float:
        """What a wall clock that was not set back shows at least."""
        return max(self.wall, self.ahead + now.at - SET_BACK_S)

    def believes(self, now: Moment) -> bool:
        """Whether the wall clock may be believed: it is set, and was not set back."""
        return now.wall_trusted and self.behind_s(now) <= SET_BACK_S
