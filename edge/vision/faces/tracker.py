"""One face, without a gap: the track that blinked must be the track that matches."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from edge.access.matcher import PROBES

if TYPE_CHECKING:
    from edge.records import Box, Embedding

MAX_GAP_S = 0.25
"""A detector may miss a face for a frame or two; longer, and someone else may have stepped in."""
MIN_OVERLAP = 0.3
"""Boxes of one face in two frames overlap at least so much (IoU), or the face has jumped."""


class Tracker:
    """Numbers unbroken tracks of a single face. Pure: time comes from the frames."""

    def __init__(self, self_similarity: float) -> None:
        """An embedding of a track and those before it are at least as alike (cosine)."""
        self.track = 0
        self._self_similarity = self_similarity
        self._box: Box | None = None
        self._seen_at = float("-inf")
        self._newest: deque[Embedding] = deque(maxlen=PROBES)
        self._proven: Embedding | None = None

    def see(self, at: float, box: Box) -> int:
        """A single face at `box`: the number of its track, a new one when continuity broke."""
        gap = at - self._seen_at > MAX_GAP_S
        if gap or self._box is None or self._box.iou(box) < MIN_OVERLAP:
            self._begin()
        self._box, self._seen_at = box, at
        return self.track

    def lose(self) -> None:
        """Several faces: whoever comes next is someone new."""
        self._box = None

    def recognise(self, embedding: Embedding) -> int:
        """An embedding of the face in view: a new track when it is not the person of before.

        It has to resemble all that it is matched together with, and the one who proved to be alive:
        a face that becomes another one little by little resembles its last frame well enough.
        """
        before = [*self._newest, *([self._proven] if self._proven else [])]
        similarities = [float(np.dot(each.vector, embedding.vector)) for each in before]
        if min(similarities, default=1.0) < self._self_similarity:
            self._begin()
        self._newest.append(embedding)
        return self.track

    def prove(self, *, alive: bool) -> None:
        """Whether a proof of life stands: whoever was compared when it came is whose it is."""
        if not alive:
            self._proven = None
        elif self._proven is None and self._newest:
            self._proven = self._newest[-1]

    def _begin(self) -> None:
        self.track += 1
        self._newest.clear()
        self._proven = None
