"""An aligned face to a unit vector (MobileFaceNet, Chen et al. 2018; ArcFace, Deng et al. 2019)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.records import Embedding

if TYPE_CHECKING:
    from edge.records import AlignedFace
    from edge.sight.tflite import Model


class Embedder:
    """Makes the vector that is compared."""

    def __init__(self, model: Model) -> None:
        self._model = model

    @property
    def model_sha256(self) -> str:
        """Which model's vectors these are: only equal ones may be compared."""
        return self._model.entry.sha256

    def embed(self, face: AlignedFace) -> Embedding:
        """The L2-normalised float32 `(d,)` vector of one face."""
        vector = self._model.run(face.pixels)["embedding"]
        norm = max(float(np.linalg.norm(vector)), 1e-12)
        return Embedding((vector / norm).astype(np.float32), self.model_sha256)
