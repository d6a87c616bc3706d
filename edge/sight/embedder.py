"""A face to a unit vector (MobileFaceNet, Chen et al. 2018; ArcFace, Deng et al. 2019)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.records import Embedding
from edge.sight.aligner import SIZE, align
from edge.sight.manifest import combined_sha256

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.records import AlignedFace, Floats, Frame, Landmarks, Pixels
    from edge.sight.tflite import Model


class Embedder:
    """Makes the vector that is compared: by one network, or by several side by side.

    Of several, each unit vector is scaled by the root of its weight and they are put one after
    another: the cosine of two such vectors is the weighted mean of the networks' cosines.
    """

    def __init__(self, models: Sequence[Model], weights: Sequence[float] = (1.0,)) -> None:
        self._networks = [_Network(model) for model in models]
        self._scales = np.sqrt(np.array(weights, np.float32) / sum(weights))
        self.model_sha256 = combined_sha256([model.entry.sha256 for model in models], weights)
        """Whose vectors these are: only equal ones may be compared."""

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
        # First every view, then every network, then the rest: a network leaves nothing of the frame
        # and little of this program in the cache.
        views = [network.views(frame, landmarks, aligned) for network in self._networks]
        outputs = [n.run(seen) for n, seen in zip(self._networks, views, strict=True)]
        vectors = [scale * _unit(v) for scale, v in zip(self._scales, outputs, strict=True)]
        return Embedding(np.concatenate(vectors), self.model_sha256)


class _Network:
    """One of them."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._mirror = bool(model.entry.output.get("mirror", False))
        self._shares_crop = (model.entry.alignment, model.size) == ("arcface-112", (SIZE, SIZE))

    def views(
        self, frame: Frame, landmarks: Landmarks, aligned: AlignedFace | None
    ) -> list[Pixels]:
        """The face as it wants it; with `mirror` in the manifest its mirror image too."""
        shared = aligned if self._shares_crop else None
        face = shared or align(frame, landmarks, self._model.entry.alignment, self._model.size)
        return [face.pixels, cv2.flip(face.pixels, 1)] if self._mirror else [face.pixels]

    def run(self, views: list[Pixels]) -> Floats:
        """Its vector, not normalised.

        Summed over the views: what the two sides of a face disagree on averages out.
        """
        vectors = [self._model.run(view)["embedding"] for view in views]
        return sum(vectors[1:], vectors[0]).ravel()


def _unit(vector: Floats) -> Floats:
    return vector / np.float32(max(math.sqrt(vector @ vector), 1e-12))
