"""Is a blink part of one unbroken film of a living face? Pure: time comes from the frames.

Two pictures put in front of a camera in turn, eyes open and eyes shut, made a well-known blink
check fall. They, and prints that are tilted or cut up, give themselves away:

- the lids jump instead of moving, or never rest (`Blink.abruptness`, `Blink.unrest`);
- the rest of the face changes with the lids, or is foreshortened, and comes back as it was;
- nothing but the lids moves at all, neither the face in its crop nor the crop in the frame;
- the face is waved about so fast that its eyes smear.

Heads turn and people speak while they blink: then the face is another one afterwards than before,
by far more than it changes from frame to frame, and comes there step by step. No two pictures and
no print do that, so lids that jump, do not rest or are swung about say nothing against it.

A smooth film of a blinking face is not told from a face here; that is what challenges are for.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.vision.faces.landmarks import CHIN, FOREHEAD, LEFT_CHEEK, RIGHT_CHEEK
from edge.vision.liveness.limits import (
    ABRUPTNESS_OF_A_FRAME,
    ABRUPTNESS_OF_ALL,
    BEFORE_S,
    CALM_CHANGE,
    CALM_SWAY,
    DEEP,
    GENTLE,
    HALF,
    MAX_ABRUPTNESS,
    MAX_FORESHORTENING,
    MAX_LABOUR,
    MAX_RETURN,
    MAX_SECONDS,
    MAX_SPEED,
    MAX_UNREST,
    MEMORY_S,
    MIN_CHANGE,
    MIN_FILM_S,
    MIN_SWAY,
    MIN_SWAY_SURE,
    MIN_TURN,
    SMOOTH,
    STILL,
    TURNED,
)

if TYPE_CHECKING:
    from edge.records import Floats, Landmarks, Pixels
    from edge.vision.liveness.blink import Blink

TOO_EARLY = "the face has only just appeared"
TOO_SLOW = "the blink is too slow to tell from two pictures that fade"
RESTLESS = "the eyelids were not at rest before the blink"
TOO_FAST = "the face moves too fast to see the eyelids"
SQUINTED = "the whole face squints with the eyelids"
TOO_LITTLE = "the face holds too still to tell its eyelids from strips of paper"
SOFT = frozenset({TOO_EARLY, TOO_SLOW, RESTLESS, TOO_FAST, SQUINTED, TOO_LITTLE})
"""A blink against which no more than this can be said is a person's, or a film's."""

_OUTLINE = np.array([FOREHEAD, CHIN, RIGHT_CHEEK, LEFT_CHEEK])
_SIZE = 56
_EYES = slice(17, 32), slice(8, 48)  # rows and columns of the crop: eyes and brows
_FACE = slice(6, 56), slice(8, 48)
_BLUR = cv2.getGaussianKernel(9, 1.0, cv2.CV_32F)
_MASK = np.zeros((_SIZE, _SIZE), dtype=bool)
_MASK[_FACE] = True
_MASK[_EYES] = False
_INSIDE = np.flatnonzero(_MASK)


@dataclass(frozen=True, slots=True, eq=False)
class _Shot:
    at: float
    patch: Floats
    five: Floats
    height: float
    """From forehead to chin, over the face's width."""


class Film:
    """The last second or so of one face."""

    def __init__(self) -> None:
        self._shots: deque[_Shot] = deque()

    def clear(self) -> None:
        """Another face, or a gap."""
        self._shots.clear()

    def add(self, at: float, patch: Floats, landmarks: Landmarks) -> float:
        """Take a frame's face, by `patch_of`, and its landmarks.

        Returns:
            How much it has changed since the frame before; see `limits.CUT`.
        """
        shot = _Shot(at, patch, landmarks.five, _height(landmarks))
        changed = _change(self._shots[-1], shot) if self._shots else 0.0
        self._shots.append(shot)
        while self._shots[0].at < at - MEMORY_S:
            self._shots.popleft()
        return changed

    def objection(self, blink: Blink) -> str:
        """Why the blink that has just ended is no sign of life; empty when it is one."""
        if self._shots[0].at > blink.begin - MIN_FILM_S:
            return TOO_EARLY
        across = _across(list(self._shots), blink)
        return _lids(blink, across) or _face(blink, across)


@dataclass(frozen=True, slots=True, eq=False)
class _Across:
    """What a face does across a blink."""

    before: _Shot
    lowest: _Shot
    after: _Shot
    speed: float
    """In the frame, in distances between the eyes a second."""
    noise: float
    """Change from frame to frame just before it."""
    step: float
    """Likewise from its begin to its end."""
    largest: float
    """The largest step of these."""

    @property
    def turned(self) -> bool:
        """Whether it is another view afterwards."""
        return _change(self.before, self.after) > max(MIN_TURN, TURNED * self.noise)

    @property
    def smooth(self) -> bool:
        """Whether no step stands out, as the one from a picture to the next does."""
        return self.largest <= SMOOTH * self.step


def _across(shots: list[_Shot], blink: Blink) -> _Across:
    first = max(i for i, shot in enumerate(shots) if shot.at <= blink.begin - BEFORE_S)
    seen = list(pairwise(shots[first:]))
    steps = [_change(a, b) for a, b in seen]
    return _Across(
        before=shots[first],
        lowest=min(shots, key=lambda shot: abs(shot.at - blink.lowest)),
        after=shots[-1],
        speed=float(np.median([_sway(a, b) / (b.at - a.at) for a, b in seen])),
        noise=_usual([_change(a, b) for a, b in pairwise(shots[: first + 1][-7:])]),
        step=_usual(steps),
        largest=max(steps),
    )


def _lids(blink: Blink, face: _Across) -> str:
    """What the course of the lids has against it."""
    lasts = blink.end - blink.begin
    few = ABRUPTNESS_OF_ALL + ABRUPTNESS_OF_A_FRAME * blink.frame_s / lasts
    jumps = blink.abruptness > min(MAX_ABRUPTNESS, few)
    if jumps and not (face.turned and face.smooth):
        return "the eyelids jump as if one picture replaced another"
    if lasts > MAX_SECONDS:
        return TOO_SLOW
    labour = blink.unrest / MAX_UNREST + lasts / MAX_SECONDS
    if (blink.unrest > MAX_UNREST or labour > MAX_LABOUR) and not face.turned:
        return RESTLESS
    return ""


def _face(blink: Blink, face: _Across) -> str:
    """What the rest of the face has against it."""
    before, lowest, after = face.before, face.lowest, face.after
    if face.speed > MAX_SPEED and not face.turned:
        return TOO_FAST
    if 1 - 2 * lowest.height / (before.height + after.height) > MAX_FORESHORTENING:
        return "the whole face is tilted away with the eyelids"
    there, back = _change(before, lowest), _change(before, after)
    if there > MIN_CHANGE and back < (1 - MAX_RETURN) * there:
        return SQUINTED if blink.depth >= DEEP else "the whole face changes with the eyelids"
    sure = blink.abruptness <= GENTLE or blink.depth >= DEEP
    sway = _sway(before, after)
    still = back <= STILL * face.noise and sway < (MIN_SWAY_SURE if sure else MIN_SWAY)
    if still and blink.depth >= HALF:
        return "nothing but the eyelids moves"
    calm = back < CALM_CHANGE and sway < CALM_SWAY and not sure
    return TOO_LITTLE if still or calm else ""


def patch_of(grey: Pixels) -> Floats:
    """A face by `grey_of`, without eyes, brows and background: small, of mean 0 and deviation 1."""
    small = cv2.resize(grey, (_SIZE, _SIZE), interpolation=cv2.INTER_AREA)
    smooth = cv2.sepFilter2D(small, cv2.CV_32F, _BLUR, _BLUR)
    values = smooth.ravel().take(_INSIDE)
    mean, deviation = (value.item() for value in cv2.meanStdDev(values))
    # A few grey levels more, so that the noise of a black face is not blown up.
    return (values - np.float32(mean)) / np.float32(deviation + 4.0)


def _height(landmarks: Landmarks) -> float:
    top, bottom, right, left = landmarks.points.take(_OUTLINE, axis=0)[:, :2].tolist()
    return math.dist(bottom, top) / max(math.dist(left, right), 1e-6)


def _change(first: _Shot, second: _Shot) -> float:
    step = first.patch - second.patch
    return math.sqrt(float(step @ step) / len(step))


def _usual(steps: list[float]) -> float:
    """Frames that were sent twice are left out."""
    steps = [step for step in steps if step > 0]
    return float(np.median(steps)) if steps else 0.0


def _sway(first: _Shot, second: _Shot) -> float:
    away = float(np.linalg.norm(second.five.mean(axis=0) - first.five.mean(axis=0)))
    return away / max(float(np.linalg.norm(first.five[1] - first.five[0])), 1e-6)
