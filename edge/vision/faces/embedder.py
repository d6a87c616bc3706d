"""A face to a unit vector (MobileFaceNet, Chen et al. 2018; ArcFace, Deng et al. 2019)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.records import Embedding
from edge.vision.faces.aligner import SIZE, align
from edge.vision.models.ensemble import combined_sha256
from edge.vision.models.entries import Alignment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.records import AlignedFace, Floats, Frame, Landmarks, Pixels
    from edge.vision.models.ensemble import Projection
    from edge.vision.models.entries import EmbedderEntry
    from edge.vision.models.model import Model


class Embedder:
    """Makes the vector that is compared: by one network, or by several side by side.

    Of several, each unit vector is scaled by the root of its weight and they are put one after
    another: the cosine of two such vectors is the weighted mean of the networks' cosines.
    """

    def __init__(
        self,
        models: Sequence[Model[EmbedderEntry]],
        weights: Sequence[float] = (1.0,),
        projection: Projection | None = None,
    ) -> None:
        self._models = models
        self._projection = None if projection is None else projection.read()
        self._scales = [math.sqrt(weight / sum(weights)) for weight in weights]
        self.model_sha256 = combined_sha256([model.entry.sha256 for model in models], weights)
        """Whose vectors these are: only equal ones may be compared."""
        self.size = sum(model.entry.tensors["embedding"][-1] for model in models)
        """How many numbers a vector has."""
        if projection is not None:
            parts = self.model_sha256, projection.sha256
            self.model_sha256 = combined_sha256(parts, (1.0, 1.0))

    def embed(
        self, frame: Frame, landmarks: Landmarks, aligned: AlignedFace | None = None
    ) -> Embedding:
        """The L2-normalised float32 `(d,)` vector of one face.

        Args:
            frame: Where it is.
            landmarks: In frame pixels.
            aligned: The face on ArcFace's template, where that has been cut out already: a network
                trained on just that takes it, others cut out their own.
        """
        # First every crop, then every network, then the rest: a network leaves nothing of the frame
        # and little of this program in the cache.
        for model in self._models:
            model.put(self._crop(model, frame, landmarks, aligned))
        outputs = [model.compute()["embedding"] for model in self._models]
        vector = np.concatenate([*map(_scaled, outputs, self._scales)])
        if self._projection is not None:
            vector = projected(vector[np.newaxis], self._projection)[0]
        return Embedding(vector, self.model_sha256)

    @staticmethod
    def _crop(
        model: Model[EmbedderEntry], frame: Frame, landmarks: Landmarks, aligned: AlignedFace | None
    ) -> Pixels:
        """The face as `model` wants it."""
        if aligned and (model.entry.alignment, model.size) == (Alignment.ARCFACE, (SIZE, SIZE)):
            return aligned.pixels
        return align(frame, landmarks, model.entry.alignment, model.size).pixels


def projected(vectors: Floats, projection: Floats) -> Floats:
    """`(n, d)` unit vectors through a `(d, d)` projection, unit vectors again."""
    moved = vectors @ projection
    return moved / np.linalg.norm(moved, axis=1, keepdims=True)


def _scaled(output: Floats, length: float) -> Floats:
    """A network's output as a vector of that length."""
    return cv2.normalize(output, None, length).ravel()
