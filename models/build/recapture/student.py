"""The recapture network while it is trained (PyTorch); `fold` gives what is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from models.build import torch_layers
from models.build.recapture.shape import CELLS, FEATURES, SCALES, STAGES, STEM, Block
from models.build.recapture.taught import TAUGHT
from models.build.torch_layers import all_folded, ranges_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Layer(torch_layers.Layer):
    """Of this network."""

    BEND = nn.ReLU6


class Bottleneck(nn.Module):
    """See `Block`."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        self.near = Layer(block.before, block.between, 3, block.stride, bent=True)
        self.wide = Layer(block.between, block.after, 1, bent=False)
        self.shortcut = block.stride == 1

    def forward(self, x: Tensor) -> Tensor:
        """`(n, before, h, w)` to `(n, after, h / stride, w / stride)`."""
        y = self.wide(self.near(x))
        return x + y if self.shortcut else y


class Tower(nn.Module):
    """What one crop says, and what its teacher would have seen in it."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            Layer(3, STEM, 3, 2, bent=True), Layer(STEM, STEM, 3, 1, STEM, bent=True)
        )
        self.stages = nn.ModuleList(
            nn.Sequential(*(Bottleneck(block) for block in stage)) for stage in STAGES
        )
        self.last = nn.Sequential(
            Layer(STAGES[-1][-1].after, FEATURES, 1, bent=True),
            Layer(FEATURES, FEATURES, CELLS, 1, FEATURES, bent=False),
        )
        # Only to learn by: a teacher's maps, its last layer and its log-odds, out of ours.
        self.maps = nn.ModuleList(nn.Conv2d(s[-1].after, s[-1].after, 1) for s in STAGES)
        self.taught = nn.Linear(FEATURES, TAUGHT)
        self.odds = nn.Linear(FEATURES, 1)

    def forward(self, crops: Tensor) -> Tensor:
        """`(n, 3, 80, 80)` RGB 0-1 to `(n, FEATURES)`."""
        return self.features(self.walk(crops)[-1])

    def walk(self, crops: Tensor) -> list[Tensor]:
        """The map after each stage."""
        x, seen = self.stem(crops), []
        for stage in self.stages:
            x = stage(x)
            seen.append(x)
        return seen

    def features(self, last: Tensor) -> Tensor:
        """Of the last map."""
        return self.last(last).flatten(1)

    def imitation(self, crops: Tensor) -> tuple[list[Tensor], Tensor]:
        """The teacher's maps and last layer as far as they are known, and its log-odds `(n,)`."""
        seen = self.walk(crops)
        features = self.features(seen[-1])
        maps = [own(x) for own, x in zip(self.maps, seen, strict=True)]
        return [*maps, self.taught(features)], self.odds(features)[:, 0]


class Student(nn.Module):
    """A tower for each crop, and one sum of what they say."""

    def __init__(self) -> None:
        super().__init__()
        self.towers = nn.ModuleList(Tower() for _ in SCALES)
        self.out = nn.Linear(FEATURES * len(SCALES), 1)

    def forward(self, crops: Tensor) -> Tensor:
        """Log-odds of an attack `(n,)` of `(n, 3, 3, 80, 80)`: faces, scales, RGB 0-1."""
        return self.out(self.features(crops))[:, 0]

    def features(self, crops: Tensor) -> Tensor:
        """`(n, 3 * FEATURES)`."""
        views = crops.unbind(1)
        seen = [
            tower(view.contiguous(memory_format=torch.channels_last))
            for tower, view in zip(self.towers, views, strict=True)
        ]
        return torch.cat(seen, 1)


def layers(student: Student) -> dict[str, Layer]:
    """By the names in `network.py`."""
    parts = student.named_modules()
    return {_short(name): part for name, part in parts if isinstance(part, Layer)}


def ranges(student: Student, crops: Tensor) -> dict[str, tuple[float, float]]:
    """Of every activation that int8 arithmetic rounds, by the names in `network.py`."""
    sums = {
        f"{_short(name)}.sum": part
        for name, part in student.named_modules()
        if isinstance(part, Bottleneck) and part.shortcut
    }
    found = ranges_of(student, {**layers(student), **sums}, crops)
    ends = [found[f"{number}.last.1"] for number in range(len(SCALES))]
    found["seen"] = min(low for low, _ in ends), max(high for _, high in ends)
    return found


def _short(name: str) -> str:
    return name.removeprefix("towers.").replace(".stages.", ".")


def fold(student: Student) -> dict[str, NDArray[np.float16]]:
    """Kernels and biases with BatchNorm folded in."""
    with torch.no_grad():
        kept = all_folded(layers(student))
        kept["out.kernel"] = student.out.weight.T.numpy()
        kept["out.bias"] = student.out.bias.numpy()
    return {name: values.astype(np.float16) for name, values in kept.items()}
