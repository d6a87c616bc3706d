"""A student of fewer blocks under the names that its blocks have in this one.

Of every stage the first blocks are the old ones; those that are new begin as the identity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from models.build.train.networks import STAGES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from models.build.train.networks import Student

BEFORE = (1, 4, 1, 8, 1, 2, 3)  # blocks of each stage of the student of 256 numbers before


def places(before: Sequence[int] = BEFORE) -> list[int]:
    """Return where each old block stands now."""
    found: list[int] = []
    first = 0
    for stage, count in zip(STAGES, before, strict=True):
        found += range(first, first + count)
        first += stage.blocks
    return found


def widened(old: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """Return the old arrays under their new names; a student that has all blocks stays as it is."""
    blocks = 1 + max(int(name.split(".")[1]) for name in old if name.startswith("blocks."))
    if blocks == sum(stage.blocks for stage in STAGES):
        return dict(old)
    moved, to = {}, places()
    for name, array in old.items():
        parts = name.split(".")
        if parts[0] == "blocks":
            parts[1] = str(to[int(parts[1])])
        moved[".".join(parts)] = array
    return moved


def renormalise(student: Student, batches: Sequence[Tensor]) -> None:
    """Make every BatchNorm's statistics true of the images, and the network say what it said.

    A student that was trained with statistics held still has BatchNorms in name only: what they
    are given has long had another mean and another variance.
    """
    norms = [module for module in student.modules() if isinstance(module, nn.BatchNorm2d)]
    sums = {norm: [torch.zeros_like(norm.weight) for _ in range(2)] for norm in norms}

    def count(norm: nn.Module, seen: tuple[Tensor]) -> None:
        x = seen[0].float()
        mean, square = sums[norm]
        mean += x.mean((0, 2, 3)) / len(batches)
        square += (x * x).mean((0, 2, 3)) / len(batches)

    hooks = [norm.register_forward_pre_hook(count) for norm in norms]
    student.eval()
    with torch.no_grad():
        for batch in batches:
            student(batch)
        for norm, (mean, square) in sums.items():
            variance = square - mean**2
            known_mean, known = norm.get_buffer("running_mean"), norm.get_buffer("running_var")
            scale = norm.weight / (known + norm.eps).sqrt()
            norm.bias += scale * (mean - known_mean)
            norm.weight.copy_(scale * (variance + norm.eps).sqrt())
            known_mean.copy_(mean)
            known.copy_(variance)
    for hook in hooks:
        hook.remove()
    student.train()
