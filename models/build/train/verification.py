"""How well embeddings tell people apart: Labeled Faces in the Wild.

The aligned crops come from an ``.npz`` file: ``crops`` (n, 112, 112, 3) RGB uint8, ``pairs`` (m, 3)
of first index, second index and 1 for the same person, ``names`` (n,) as ``PERSON/FILE``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.build.train.networks import Student

FOLDS = 10
BATCH = 64


@dataclass(frozen=True)
class Verification:
    """Accuracy by LFW's 10-fold rule, FNMR of its pairs at two FMRs of all impostors, and d'."""

    accuracy: float
    fnmr_1e3: float
    fnmr_1e4: float
    d_prime: float


def embed_all(student: Student, images: Tensor) -> Tensor:
    """Return unit embeddings ``(n, 256)`` of uint8 ``(n, 3, 112, 112)`` and their mirror images."""
    rows = []
    with torch.no_grad():
        for some in images.split(BATCH):
            faces = some.float()
            rows.append(functional.normalize(student(faces)[0] + student(faces.flip(3))[0]))
    return torch.cat(rows)


def verify(
    embeddings: NDArray[np.float32], pairs: NDArray[np.int64], names: NDArray[np.str_]
) -> Verification:
    """Score the pairs; each fold's threshold is the (middle) best of the other nine."""
    same = pairs[:, 2] == 1
    scores = np.einsum("nd,nd->n", embeddings[pairs[:, 0]], embeddings[pairs[:, 1]])
    order = np.random.default_rng(0).permutation(len(scores))
    right = 0
    for fold in np.array_split(order, FOLDS):
        rest = np.setdiff1d(order, fold)
        candidates = np.sort(scores[rest])
        hits = np.array([np.mean((scores[rest] >= t) == same[rest]) for t in candidates])
        equally_good = candidates[hits == hits.max()]
        threshold = equally_good[len(equally_good) // 2]
        right += int(np.sum((scores[fold] >= threshold) == same[fold]))
    people = np.array([name.split("/")[0] for name in names])
    first, second = np.triu_indices(len(people), 1)
    impostors = (embeddings @ embeddings.T)[first, second][people[first] != people[second]]
    strict, stricter = np.quantile(impostors, (1 - 1e-3, 1 - 1e-4))
    genuine = scores[same]
    spread = np.sqrt((genuine.var() + impostors.var()) / 2)
    return Verification(
        right / len(scores),
        float(np.mean(genuine < strict)),
        float(np.mean(genuine < stricter)),
        float((genuine.mean() - impostors.mean()) / spread),
    )
