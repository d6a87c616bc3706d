"""An aligned face to a unit vector (MobileFaceNet, Chen et al. 2018; ArcFace, Deng et al. 2019)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.records import Embedding
from edge.sight.aligner import align

if TYPE_CHECKING:
    from edge.records import AlignedFace, Frame, Landmarks
    from edge.sight.tflite import Model


class Embedder:
    """Makes the vector that is compared."""

    def __init__(self, model: Model) -> None:
        self._model = model

    @property
    def model_sha256(self) -> str:
        """Which model's vectors these are: only equal ones may be compared."""
        return self._model.entry.sha256

    def align(self, frame: Frame, landmarks: Landmarks) -> AlignedFace:
        """The face as this network was trained to see it."""
        return align(frame, landmarks, self._model.entry.alignment, self._model.size)

    def embed(self, face: AlignedFace) -> Embedding:
        """The L2-normalised float32 `(d,)` vector of one face."""
        vector = self._model.run(face.pixels)["embedding"]
        norm = max(float(np.linalg.norm(vector)), 1e-12)
        return Embedding((vector / norm).astype(np.float32), self.model_sha256)
