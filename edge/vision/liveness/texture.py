"""Do a face's colours look like those of a screen or of a print? A vote against, never for.

Screens and prints show fewer colours than skin in light has: what is bright is not redder in the
same way, highlights clip, blacks are lifted. How colours tell a recaptured face is an old
observation (Boulkenafet et al. 2016, IEEE TIFS 11(8)); the cues here are simpler, statistics of
three colour spaces over the middle of the face, weighed by one linear function. Light that is
coloured like a screen looks like one: hence the average over time, and hence off by default.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.vision.faces.geometry import Square

if TYPE_CHECKING:
    from edge.records import Frame, Landmarks, Pixels
    from edge.vision.models.entries import TextureEntry
    from edge.vision.models.model import Model

AVERAGED_S = 2.0
"""One look trembles with every move of the face; the mean of these seconds counts."""


class Texture:
    """Looks at single frames. Cheap, but the colours do not change on every frame."""

    def __init__(self, model: Model[TextureEntry]) -> None:
        self._model = model
        self._share = model.entry.output.crop_scale

    def vote(self, frame: Frame, landmarks: Landmarks) -> float:
        """Log-odds of an attack, above 0 against the face; 5 % of people are above it."""
        pixels = middle_of(frame, landmarks, self._share, self._model.size[0])
        return float(self._model.run(pixels)["attack"][0])


def middle_of(frame: Frame, landmarks: Landmarks, share: float, size: int) -> Pixels:
    """The middle of a face, without hair and background.

    Args:
        frame: Where it is.
        landmarks: In frame pixels.
        share: Side of the square, in sides of the one around the mesh.
        size: Of the result, pixels.
    """
    points = landmarks.points[:, :2]
    low, high = points.min(axis=0), points.max(axis=0)
    x, y = (low + high) / 2
    side = share * float((high - low).max())
    # Pixels are averaged, not picked: noise would widen the spread of the colours.
    fine = size * max(1, round(side / size))
    middle = Square(float(x), float(y), side).crop(frame.pixels, fine)
    return np.asarray(cv2.resize(middle, (size, size), interpolation=cv2.INTER_AREA), np.uint8)


class Ballot:
    """The votes of the last seconds on one face."""

    def __init__(self) -> None:
        self._votes: deque[tuple[float, float]] = deque()

    def clear(self) -> None:
        """Another face."""
        self._votes.clear()

    def add(self, at: float, vote: float) -> None:
        """Take one more; votes older than `AVERAGED_S` no longer count."""
        self._votes.append((at, vote))
        while self._votes[0][0] < at - AVERAGED_S:
            self._votes.popleft()

    @property
    def against(self) -> bool:
        """Whether they speak against the face. Without a vote nothing speaks for it."""
        return not self._votes or float(np.mean([vote for _, vote in self._votes])) > 0
