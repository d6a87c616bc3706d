"""What the clocks say, as one value: the pure room reads no clock."""

from __future__ import annotations

from dataclasses import dataclass


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
