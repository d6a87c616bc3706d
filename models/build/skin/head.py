"""What both towers see of a face, summed: the part that learns from labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from models.build.recapture.data import Label

FEW = 60
"""A class of a source with fewer faces counts for less than one with more; all others alike."""
PHOTOGRAPHS, MADE = 2.0, 9.0
"""How many sources LFW and UTKFace count for each, and made samples together."""
DECAY = 1e-3
PASSES = 200


@dataclass(frozen=True, slots=True, eq=False)
class Sum:
    """Of what is seen, log-odds of an attack."""

    weights: NDArray[np.float64]
    bias: float

    def __call__(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of `(n, numbers)`, `(n,)`."""
        return values @ self.weights + self.bias


def learn(values: NDArray[np.float64], labels: Sequence[Label], allowed: NDArray[np.bool_]) -> Sum:
    """A logistic regression in which sources weigh alike, and attacks as much as living faces.

    Args:
        values: what is seen, `(n, numbers)`.
        labels: of all of them.
        allowed: those to learn from.
    """
    some = [label for label, wanted in zip(labels, allowed, strict=True) if wanted]
    here = values[allowed]
    mean, spread = here.mean(0), here.std(0) + 1e-6
    given = torch.from_numpy((here - mean) / spread)
    attack = torch.tensor([float(label.attack) for label in some], dtype=torch.float64)
    count = torch.from_numpy(weights(some))
    sum_ = torch.zeros(given.shape[1], dtype=torch.float64, requires_grad=True)
    level = torch.zeros(1, dtype=torch.float64, requires_grad=True)
    search = torch.optim.LBFGS([sum_, level], max_iter=PASSES, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        search.zero_grad()
        odds = given @ sum_ + level
        wrong = functional.binary_cross_entropy_with_logits(odds, attack, count, reduction="sum")
        value = wrong + DECAY * sum_.square().sum()
        value.backward()
        return value

    with torch.enable_grad():
        search.step(loss)
    found = sum_.detach().numpy() / spread
    return Sum(found, float(level.detach()) - float(mean @ found))


def weights(labels: Sequence[Label]) -> NDArray[np.float64]:
    """Of each face; 1 of all attacks, and 1 of all living faces."""
    keys = np.array([f"{label.source} {label.made}" for label in labels])
    attack = np.array([label.attack for label in labels])
    made = np.array([label.made for label in labels])
    photographs = np.array([label.kind in {"lfw", "utk"} for label in labels]) & ~made
    weight = np.zeros(len(labels))
    for key in np.unique(keys):
        for one in (False, True):
            mine = (keys == key) & (attack == one)
            if mine.any():
                weight[mine] = min(1.0, mine.sum() / FEW) / mine.sum()
    weight[photographs] *= PHOTOGRAPHS
    if made.any():
        weight[made] *= MADE / weight[made].sum()
    for one in (False, True):
        weight[attack == one] /= weight[attack == one].sum()
    return weight
