"""One face, without a gap: the track that blinked must be the track that matches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from edge.records import Box, Embedding

MAX_GAP_S = 0.25
"""A detector may miss a face for a frame or two; longer, and someone else may have stepped in."""
MIN_OVERLAP = 0.3
"""Boxes of one face in two frames overlap at least so much (IoU), or the face has jumped."""


class Tracker:
    """Numbers unbroken tracks of a single face. Pure: time comes from the frames."""

    def __init__(self, self_similarity: float) -> None:
        """One embedding of a track and the next are at least as alike (cosine)."""
        self.track = 0
        self._self_similarity = self_similarity
        self._box: Box | None = None
        self._seen_at = float("-inf")
        self._newest: Embedding | None = None

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
        """An embedding of the face in view: a new track when it is not the person of before."""
        if self._newest is not None:
            similarity = float(np.dot(self._newest.vector, embedding.vector))
            if similarity < self._self_similarity:
                self._begin()
        self._newest = embedding
        return self.track

    def _begin(self) -> None:
        self.track += 1
        self._newest = None
