"""Doing less where the board cannot do more: too slow, hot, or short of memory.

Pure but for two files of the kernel's, looked at every few seconds. A slow board stays eased until
sight starts again, or it would be told slow and fast in turn; heat and memory come and go.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from edge.warmth import THERMAL, hottest_c

if TYPE_CHECKING:
    from typing import Literal

LOOK_EVERY_S = 5.0
HOT_C, COOL_C = 80.0, 75.0
"""A Raspberry Pi slows its processor down at 80 degrees; work goes on below the second."""
SHORT_SHARE, ENOUGH_SHARE = 0.05, 0.08
"""Of the memory that is still to be had."""
SPARING_S = 1 / 15.5
"""So far apart frames are judged in the mean: half of a camera's 30, enough for blinks."""


class Thrift:
    """Whether to do less now, and what of."""

    def __init__(
        self,
        profile: Literal["auto", "full", "light"],
        thermal: Path = THERMAL,
        meminfo: Path = Path("/proc/meminfo"),
    ) -> None:
        self._profile = profile
        self._thermal, self._meminfo = thermal, meminfo
        self._slow = self._hot = self._short = False
        self._looked_at = self._due_at = float("-inf")
        self._figures: dict[str, float] = {}

    @property
    def eased(self) -> bool:
        """The embedder runs less often."""
        if self._profile == "auto":
            return self._slow or self.backed_off
        return self._profile == "light"

    @property
    def backed_off(self) -> bool:
        """Hot, or short of memory."""
        return self._profile != "full" and (self._hot or self._short)

    def too_slow(self) -> None:
        """Frames were not judged often enough."""
        self._slow = True

    def passes_over(self, at: float) -> bool:
        """Whether this frame is left out, to let the board cool."""
        self._look(at)
        if not self.backed_off:
            return False
        if at < self._due_at:
            return True
        self._due_at = max(self._due_at, at - SPARING_S) + SPARING_S
        return False

    def current(self) -> dict[str, float]:
        """For MQTT: `eased`, `backed_off`, and what the kernel told, as far as it does."""
        flags = {"eased": float(self.eased), "backed_off": float(self.backed_off)}
        return flags | self._figures

    def _look(self, at: float) -> None:
        if at - self._looked_at < LOOK_EVERY_S:
            return
        self._looked_at = at
        warmest = hottest_c(self._thermal)
        free, whole = self._memory()
        self._figures = {} if warmest is None else {"temperature_c": round(warmest, 1)}
        if warmest is not None:
            self._hot = warmest >= (COOL_C if self._hot else HOT_C)
        if whole:
            self._figures["memory_free_mb"] = round(free / 1024, 1)
            self._short = free / whole <= (ENOUGH_SHARE if self._short else SHORT_SHARE)

    def _memory(self) -> tuple[int, int]:
        """What can still be had, and all of it, kB; zeros where the kernel does not tell."""
        try:
            rows = self._meminfo.read_text(encoding="ascii").splitlines()
        except OSError:
            return 0, 0
        named = (row.partition(":") for row in rows)
        told = {name: int(rest.split()[0]) for name, _, rest in named}
        return told.get("MemAvailable", 0), told.get("MemTotal", 0)
