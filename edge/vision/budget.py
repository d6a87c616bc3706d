"""A frame's time: what would not be ready in it waits for a frame that has more of it.

Blinks need twelve frames a second. A board that detects, embeds and looks for screens all on one
frame misses the next two; so each stage that can wait is asked for only if it will be ready in
time, by what it took when it last ran here.
"""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from typing_extensions import override

if TYPE_CHECKING:
    from collections.abc import Callable

FRAME_S = 1 / 15
"""From the beginning of a frame's work: a little less than blinks leave it."""


class Unhurried:
    """All the time in the world: what tests and measurements give a pipeline."""

    def begin(self) -> None:
        """The work on a frame begins."""

    def __call__(self, _stage: str) -> AbstractContextManager[object]:
        """Entered around a stage."""
        return nullcontext()

    def allows(self, _stage: str) -> bool:
        """Whether a stage would be ready in this frame's time."""
        return True


class Budget(Unhurried):
    """So many seconds a frame. Stages run one after the other."""

    def __init__(
        self, frame_s: float = FRAME_S, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._frame_s, self._clock = frame_s, clock
        self._over_at = float("inf")
        self._took: dict[str, float] = {}
        self._running, self._since = "", 0.0

    @override
    def begin(self) -> None:
        self._over_at = self._clock() + self._frame_s

    @override
    def __call__(self, stage: str) -> Budget:
        self._running, self._since = stage, self._clock()
        return self

    def __enter__(self) -> None:
        """A stage begins."""

    def __exit__(self, *_: object) -> None:
        """It has ended."""
        self._took[self._running] = self._clock() - self._since

    @override
    def allows(self, stage: str) -> bool:
        return self._clock() + self._took.get(stage, 0.0) <= self._over_at
