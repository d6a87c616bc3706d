"""An aligned face to a unit vector (MobileFaceNet, Chen et al. 2018; ArcFace, Deng et al. 2019)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.records import Embedding
from edge.sight.aligner import align

if TYPE_CHECKING:
    from edge.records import AlignedFace, Floats, Frame, Landmarks, Pixels
    from edge.sight.tflite import Model


class Embedder:
    """Makes the vector that is compared."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._mirror = bool(model.entry.output.get("mirror", False))

    @property
    def model_sha256(self) -> str:
        """Which model's vectors these are: only equal ones may be compared."""
        return self._model.entry.sha256

    def align(self, frame: Frame, landmarks: Landmarks) -> AlignedFace:
        """The face as this network was trained to see it."""
        return align(frame, landmarks, self._model.entry.alignment, self._model.size)

    def embed(self, face: AlignedFace) -> Embedding:
        """The L2-normalised float32 `(d,)` vector of one face.

        With `mirror` in the manifest it is the mean with that of the mirrored face: twice the
        time, and what the two sides of a face disagree on averages out.
        """
        vector = self._vector(face.pixels)
        if self._mirror:
            vector = vector + self._vector(face.pixels[:, ::-1])
        return Embedding(_unit(vector), self.model_sha256)

    def _vector(self, pixels: Pixels) -> Floats:
        return _unit(self._model.run(pixels)["embedding"].ravel())


def _unit(vector: Floats) -> Floats:
    return (vector / max(float(np.linalg.norm(vector)), 1e-12)).astype(np.float32)
