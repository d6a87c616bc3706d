"""An aligned face to a unit vector (MobileFaceNet, Chen et al. 2018; ArcFace, Deng et al. 2019)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.records import Embedding
from edge.sight.aligner import SIZE, align

if TYPE_CHECKING:
    from edge.records import AlignedFace, Floats, Frame, Landmarks, Pixels
    from edge.sight.tflite import Model


class Embedder:
    """Makes the vector that is compared."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._mirror = bool(model.entry.output.get("mirror", False))
        self._shares_crop = (model.entry.alignment, model.size) == ("arcface-112", (SIZE, SIZE))

    @property
    def model_sha256(self) -> str:
        """Which model's vectors these are: only equal ones may be compared."""
        return self._model.entry.sha256

    def align(self, frame: Frame, landmarks: Landmarks) -> AlignedFace:
        """The face as this network was trained to see it."""
        return align(frame, landmarks, self._model.entry.alignment, self._model.size)

    def embed(
        self, frame: Frame, landmarks: Landmarks, aligned: AlignedFace | None = None
    ) -> Embedding:
        """The L2-normalised float32 `(d,)` vector of one face.

        With `mirror` in the manifest it is the mean with that of the mirrored face: twice the
        time, and what the two sides of a face disagree on averages out.

        Args:
            frame: Where it is.
            landmarks: In frame pixels.
            aligned: The face on ArcFace's template, where that has been cut out already: a network
                trained on just that takes it, others cut out their own.
        """
        shared = aligned if self._shares_crop else None
        face = (shared or self.align(frame, landmarks)).pixels
        vector = self._vector(face)
        if self._mirror:
            vector = vector + self._vector(face[:, ::-1])
        return Embedding(_unit(vector), self.model_sha256)

    def _vector(self, pixels: Pixels) -> Floats:
        return _unit(self._model.run(pixels)["embedding"].ravel())


def _unit(vector: Floats) -> Floats:
    return (vector / max(float(np.linalg.norm(vector)), 1e-12)).astype(np.float32)
