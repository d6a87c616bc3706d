"""Crops as PyTorch wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from models.build.recapture.shape import SIZE

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from models.build.recapture.lessons import Lessons


def tensor_of(crops: NDArray[np.uint8]) -> Tensor:
    """`(..., side, side, 3)` to `(..., 3, side, side)`, 0-1."""
    return torch.from_numpy(np.ascontiguousarray(crops)).movedim(-1, -3).float() / 255


def shrunk(crops: Tensor) -> Tensor:
    """To the student's size."""
    if crops.shape[-1] != SIZE:
        crops = functional.interpolate(crops, (SIZE, SIZE), mode="bilinear", antialias=True)
    return crops.contiguous(memory_format=torch.channels_last)


def faces_of(lessons: Lessons, numbers: NDArray[np.int64]) -> Tensor:
    """All crops of some samples, `(n, 3, 3, 80, 80)`."""
    return torch.stack([shrunk(tensor_of(crops[numbers])) for crops in lessons.crops], 1)
