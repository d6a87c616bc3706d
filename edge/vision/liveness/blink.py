"""Blinks in a course of eyelid openings. Pure: time comes from the frames.

A blink is a dip: the lids of both eyes fall together from where they just were and come back, in
the time that a blink takes (0.1-0.4 s at most places in the literature, slow ones longer). Two
networks report on each eye; their sum is the *lid level*: the opening as a share of this person's
usual opening in the last seconds, less a tenth of the log-odds that the eye is shut. Both parts
fall in a blink; what one misses behind glasses or under narrow lids, the other sees. A dip's depth
is measured from the level just before it, so a lowered gaze or a slow nod moves the start, not the
depth, and eyes that flutter while shut do not come far.

Times are read off where the course crosses half of the dip, interpolated between frames, so the
rule is the same at 8 and at 60 frames a second and with uneven frame times.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.vision.liveness.limits import (
    FALL_S,
    MIN_USUAL,
    REST_S,
    SHUT_WEIGHT,
    USUAL_PERCENTILE,
    BlinkLimits,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.records import EyeOpenness

    Series = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Blink:
    """One blink, its times in monotonic seconds."""

    begin: float
    lowest: float
    end: float
    depth: float
    """In lid levels."""
    abruptness: float
    """Lids take some frames to fall and to rise: the largest step between two frames, as a share of
    the usual height of the dip, on whichever way was the smoother one. About 1 is a picture put in
    the place of another."""
    unrest: float
    """How far the lids were down in the half second before, as a share of the depth."""
    frame_s: float
    """From frame to frame, in the mean: over a network they come in bunches."""


_NO_SAMPLES = np.empty((6, 0))
"""Stamp, opening and log-odds of being shut of the right and left eye, yaw; a column a frame."""


@dataclass(frozen=True, slots=True, eq=False)
class _Course:
    """The last seconds: stamps `(n,)`, lid level of each eye `(2, n)`, yaw in degrees `(n,)`."""

    at: Series
    each: Series
    yaw: Series


class BlinkDetector:
    """Reports each blink once, on the frame on which the eyes are half open again."""

    def __init__(self, limits: BlinkLimits | None = None) -> None:
        self.limits = limits or BlinkLimits()
        self._samples = _NO_SAMPLES
        self._after = float("-inf")

    def reset(self) -> None:
        """Forget everything: another face, or a gap."""
        self._samples = _NO_SAMPLES
        self._after = float("-inf")

    def observe(self, at: float, eyes: EyeOpenness, yaw: float = 0.0) -> Blink | None:
        """Take one frame's openings; the blink that this frame completes, if it does.

        Args:
            at: the frame's stamp, monotonic seconds; must not run backwards.
            eyes: both eyes as measured.
            yaw: the head's turn in degrees.
        """
        # A turned head narrows the eye in the picture and so raises height over width.
        narrowed = max(0.5, math.cos(math.radians(yaw)))
        right, left = eyes.right * narrowed, eyes.left * narrowed
        sample = np.array([[at], [right], [left], [eyes.right_shut], [eyes.left_shut], [yaw]])
        first = self._samples[0].searchsorted(at - self.limits.memory_s)
        self._samples = np.concatenate((self._samples[:, first:], sample), axis=1)
        blink = self._find(self._course())
        if blink is not None:
            self._after = at
        return blink

    def _course(self) -> _Course:
        samples = self._samples
        opening, shut = samples[1:3], samples[3:5]
        # The percentile, without the generality of numpy's: this runs on every frame.
        ordered = opening[0] + opening[1]
        ordered.sort()
        whole, part = divmod(USUAL_PERCENTILE / 100 * (len(ordered) - 1), 1)
        low, high = ordered[int(whole)], ordered[min(int(whole) + 1, len(ordered) - 1)]
        usual = max(MIN_USUAL, float(low + part * (high - low)) / 2)
        return _Course(samples[0], opening / usual - SHUT_WEIGHT * shut, samples[5])

    def _find(self, course: _Course) -> Blink | None:
        limits, at, level = self.limits, course.at, (course.each[0] + course.each[1]) / 2
        # The longest blink, and as much again as its slower half may take to come back.
        oldest = at[-1] - limits.longest_s - 0.4
        first = int(at.searchsorted(max(self._after, oldest)))
        low = first + int(level[first:].argmin())
        lead = int(at.searchsorted(max(self._after, at[low] - limits.lead_s)))
        if low in (lead, len(at) - 1):
            return None
        before = float(level[lead:low].max())
        depth = before - float(level[low])
        if depth < limits.depth or level[-1] - level[low] < limits.recovery * depth:
            return None
        begin, end = _half_way(at, level, low, before - depth / 2)
        if not limits.shortest_s <= end - begin <= limits.longest_s:
            return None
        if np.diff(at[max(lead, low - 1) :]).max() > limits.longest_gap_s:
            return None
        if not (self._head_still(course, begin, low) and self._both_eyes(course, lead, low)):
            return None
        earlier = level[(at >= begin - REST_S) & (at <= begin - FALL_S)]
        unrest = max(0.0, before - float(earlier.min())) / depth if earlier.size else 0.0
        down = level[lead:] < before - depth / 2
        abruptness = _largest_step(level[lead:], low - lead, down)
        frame_s = float(at[-1] - at[lead]) / (len(at) - 1 - lead)
        return Blink(begin, float(at[low]), end, depth, abruptness, unrest, frame_s)

    def _head_still(self, course: _Course, begin: float, low: int) -> bool:
        during = course.yaw[max(0, int(np.searchsorted(course.at, begin)) - 1) :]
        turn = float(np.ptp(during))
        return turn <= self.limits.max_turn_deg and abs(course.yaw[low]) <= self.limits.max_yaw_deg

    def _both_eyes(self, course: _Course, lead: int, low: int) -> bool:
        begins = []
        for level in course.each:
            near = max(low - 1, lead)
            lowest = near + int(np.argmin(level[near : low + 2]))
            before = float(level[lead:low].max())
            if before - level[lowest] < self.limits.depth_each:
                return False
            half = (before + float(level[lowest])) / 2
            begins.append(_half_way(course.at, level, lowest, half)[0])
        frame_s = float(course.at[low] - course.at[low - 1])
        return abs(begins[0] - begins[1]) <= self.limits.together_s + frame_s / 2


def _largest_step(level: Series, low: int, down: NDArray[np.bool_]) -> float:
    """The largest step of the smoother way, over the height of a box through the medians.

    Args:
        level: from before the dip to its end.
        low: where it is lowest.
        down: which of them belong to the dip.
    """
    fall, rise = -np.diff(level[: low + 1]).min(), np.diff(level[low:]).max()
    height = np.median(level[:low][~down[:low]]) - np.median(level[down])
    return float(min(fall, rise) / max(float(height), 1e-6))


def _half_way(at: Series, level: Series, low: int, half: float) -> tuple[float, float]:
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
