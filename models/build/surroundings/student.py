"""The surroundings network while it is trained (PyTorch); `fold` gives what is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from models.build import torch_layers
from models.build.recapture.taught import SURE, TAUGHT
from models.build.surroundings.shape import BLOCKS, CELLS, FEATURES, STEM, Block
from models.build.torch_layers import all_folded, ranges_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Layer(torch_layers.Layer):
    """Of this network: what is taught block by block needs no bound above."""

    BEND = nn.ReLU


class Unit(nn.Module):
    """See `Block`."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        self.first = Layer(block.before, block.between, 1, bent=True)
        self.alone = Layer(block.between, block.between, 3, block.stride, block.between, bent=True)
        self.last = Layer(block.between, block.after, 1, bent=False)
        self.shortcut = block.stride == 1
        if self.shortcut:  # begins as nothing but the shortcut, which is most of what is wanted
            nn.init.zeros_(self.last.norm.weight)

    def forward(self, x: Tensor) -> Tensor:
        """`(n, before, h, w)` to `(n, after, h / stride, w / stride)`."""
        y = self.last(self.alone(self.first(x)))
        return x + y if self.shortcut else y


class Student(nn.Module):
    """What a crop says, and what its teacher would have seen in it."""

    def __init__(self, cells: int = CELLS) -> None:
        """`cells`: side of the last map, a sixteenth of the crop's."""
        super().__init__()
        self.stem = nn.Sequential(
            Layer(3, STEM, 3, 2, bent=True), Layer(STEM, STEM, 3, 1, STEM, bent=True)
        )
        self.blocks = nn.ModuleList(Unit(block) for block in BLOCKS)
        self.end = nn.Sequential(
            Layer(BLOCKS[-1].after, FEATURES, 1, bent=True),
            Layer(FEATURES, FEATURES, cells, 1, FEATURES, bent=False),
        )
        self.taught = nn.Linear(FEATURES, TAUGHT)
        self.odds = nn.Linear(TAUGHT, 1)

    def forward(self, crops: Tensor) -> Tensor:
        """Log-odds of an attack `(n,)` of `(n, 3, side, side)` RGB 0-1."""
        return SURE * self._said(self.walk(crops)[-1])[1]

    def walk(self, crops: Tensor) -> list[Tensor]:
        """What each block makes of what the one before it gives."""
        x, seen = self.stem(crops), []
        for block in self.blocks:
            x = block(x)
            seen.append(x)
        return seen

    def imitation(self, crops: Tensor, seen: list[Tensor]) -> tuple[list[Tensor], Tensor]:
        """What each block makes of what the teacher's is given, the last layer, the log-odds.

        Args:
            crops: `(n, 3, side, side)` RGB 0-1.
            seen: what the teacher's blocks gave for them.
        """
        given = [self.stem(crops), *seen[: len(self.blocks) - 1]]
        maps = [block(x) for block, x in zip(self.blocks, given, strict=True)]
        taught, odds = self._said(seen[len(self.blocks) - 1])
        return [*maps, taught], odds

    def whole(self, crops: Tensor) -> tuple[list[Tensor], Tensor]:
        """The same where each block is given what the one before it makes."""
        maps = self.walk(crops)
        taught, odds = self._said(maps[-1])
        return [*maps, taught], odds

    def last(self, crops: Tensor) -> Tensor:
        """What it makes of its teacher's last layer, `(n, TAUGHT)`."""
        return self._said(self.walk(crops)[-1])[0]

    def _said(self, last: Tensor) -> tuple[Tensor, Tensor]:
        """Out of the last map."""
        taught = self.taught(self.end(last).flatten(1))
        return taught, self.odds(taught)[:, 0]


def layers(student: Student) -> dict[str, Layer]:
    """By the names in `network.py`."""
    return {name: part for name, part in student.named_modules() if isinstance(part, Layer)}


def ranges(student: Student, crops: Tensor) -> dict[str, tuple[float, float]]:
    """Of every activation that int8 arithmetic rounds, by the names in `network.py`."""
    sums = {
        f"{name}.sum": part
        for name, part in student.named_modules()
        if isinstance(part, Unit) and part.shortcut
    }
    return ranges_of(student, {**layers(student), **sums}, crops)


def fold(student: Student) -> dict[str, NDArray[np.float16]]:
    """Kernels and biases with BatchNorm folded in, and the last two layers as one."""
    with torch.no_grad():
        kept = all_folded(layers(student))
        out, taught = SURE * student.odds.weight, student.taught
        kept["out.kernel"] = (out @ taught.weight).T.numpy()
        kept["out.bias"] = (out @ taught.bias + SURE * student.odds.bias).numpy()
    return {name: values.astype(np.float16) for name, values in kept.items()}
