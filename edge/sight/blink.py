"""Blinks in a course of eyelid openings. Pure: time comes from the frames.

A blink is a dip: both lids fall from where they just were, well below it, and come most of the way
back, within the time that a blink takes (Schiffman 2001 gives 0.1-0.4 s; slow ones last longer).
Depth is measured against the lids' own level just before the dip, so narrow eyes, glasses and a
lowered gaze need no threshold of their own; the level of the last seconds only says whether the
eye was open at all. Times are read off where the course crosses half its depth, interpolated
between frames, so that the rule is the same at 8 and at 60 frames a second.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.records import EyeOpenness

    Series = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class BlinkLimits:
    """What counts as a blink. Depths and levels are shares of an opening, 0-1."""

    memory_s: float = 6.0
    """The open level of this person is learnt from the last seconds."""
    open_level: float = 0.7
    """A dip begins from at least this share of the open level."""
    depth: float = 0.28
    """The mean of both eyes loses at least this share of its opening."""
    depth_each: float = 0.15
    """So does each eye for itself: a wink is not a blink."""
    recovery: float = 0.5
    """The blink is over when this share of the loss has come back."""
    shortest_s: float = 0.04
    """At half depth. Shorter dips are one bad frame."""
    longest_s: float = 0.5
    """At half depth. Longer closures are not blinks."""
    lead_s: float = 0.6
    """The level before a dip is the highest in this time before its lowest point."""
    max_turn_deg: float = 25.0
    """The head turns no further than this during the blink, or the lids cannot be judged."""


@dataclass(frozen=True, slots=True)
class Blink:
    """One blink: begin, lowest point and end in monotonic seconds, and how deep it went, 0-1."""

    begin: float
    lowest: float
    end: float
    depth: float


class BlinkDetector:
    """Reports each blink once, on the frame on which the eye has reopened."""

    def __init__(self, limits: BlinkLimits | None = None) -> None:
        self.limits = limits or BlinkLimits()
        self._samples: deque[tuple[float, float, float, float]] = deque()
        self._after = float("-inf")

    def reset(self) -> None:
        """Forget everything: another face, or a gap."""
        self._samples.clear()
        self._after = float("-inf")

    def observe(self, at: float, eyes: EyeOpenness, yaw: float = 0.0) -> Blink | None:
        """Take one frame's openings; the blink that this frame completes, if it does.

        Args:
            at: the frame's stamp, monotonic seconds; must not run backwards.
            eyes: opening of both eyes.
            yaw: the head's turn in degrees.
        """
        # A turned head narrows the eye in the picture and so raises height over width.
        narrowed = max(0.5, float(np.cos(np.radians(yaw))))
        self._samples.append((at, eyes.right * narrowed, eyes.left * narrowed, yaw))
        while self._samples[0][0] < at - self.limits.memory_s:
            self._samples.popleft()
        blink = self._find(np.array(self._samples))
        if blink is not None:
            self._after = at
        return blink

    def _find(self, samples: Series) -> Blink | None:
        limits = self.limits
        at, each, yaw = samples[:, 0], samples[:, 1:3], samples[:, 3]
        mean = each.mean(axis=1)
        since = int(np.searchsorted(at, max(self._after, at[-1] - limits.longest_s - 0.4), "left"))
        low = since + int(np.argmin(mean[since:]))
        lead = int(np.searchsorted(at, max(self._after, at[low] - limits.lead_s), "left"))
        if low in (lead, len(at) - 1):
            return None
        usual = float(np.percentile(mean, 75))
        before = min(float(mean[lead:low].max()), 1.15 * usual)
        depth = 1.0 - mean[low] / max(before, 1e-6)
        recovered = mean[-1] - mean[low] >= limits.recovery * (before - mean[low])
        if not recovered or depth < limits.depth or before < limits.open_level * usual:
            return None
        around = each[max(low - 1, lead) : low + 2].min(axis=0)
        if np.any(1.0 - around / each[lead:low].max(axis=0) < limits.depth_each):
            return None
        half = (before + mean[low]) / 2
        begin, end = _half_crossings(at, mean, low, half)
        first = int(np.searchsorted(at, begin)) - 1
        if not limits.shortest_s <= end - begin <= limits.longest_s:
            return None
        if np.ptp(yaw[max(first, 0) :]) > limits.max_turn_deg:
            return None
        return Blink(begin, float(at[low]), end, float(depth))


def _half_crossings(at: Series, level: Series, low: int, half: float) -> tuple[float, float]:
    """When the course around its lowest sample falls through `half`, and rises through it."""
    fall = low
    while fall > 0 and level[fall] < half:
        fall -= 1
    rise = low
    while rise < len(at) - 1 and level[rise] < half:
        rise += 1
    return _between(at, level, fall, half), _between(at, level, rise - 1, half)


def _between(at: Series, level: Series, i: int, half: float) -> float:
    step = level[i + 1] - level[i]
    share = 0.5 if step == 0 else (half - level[i]) / step
    return float(at[i] + np.clip(share, 0.0, 1.0) * (at[i + 1] - at[i]))
