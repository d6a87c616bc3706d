"""The student: our MobileFaceNet for int8.

MobileFaceNet (Chen et al. 2018, arXiv:1804.07573) with ReLU6 in place of PReLU, TensorFlow's SAME
padding on strided convolutions, so that a TFLite file needs no PAD operation, and sixteen blocks
more than the paper's: two at 28x28, eight at 14x14 and six, twice as wide inside, at 7x7.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    Arrays = dict[str, NDArray[np.float32]]

SIZE = 112
EMBEDDING = 256
WIDE = 512  # channels of the last map
EPSILON = 1e-5
RELU6 = 6.0


@dataclass(frozen=True)
class Conv:
    """One convolution with its BatchNorm: the prefix of its arrays and its shape."""

    name: str
    inputs: int
    outputs: int
    kernel: int = 1
    stride: int = 1
    activation: bool = True

    @property
    def depthwise(self) -> bool:
        """Whether every channel has its own kernel."""
        return self.kernel > 1 and self.inputs == self.outputs


@dataclass(frozen=True)
class Bottleneck:
    """1x1 expand, 3x3 depthwise, 1x1 project; residual where the shape allows."""

    convs: tuple[Conv, Conv, Conv]

    @property
    def residual(self) -> bool:
        """Whether the input is added to the output."""
        expand, depthwise, project = self.convs
        return depthwise.stride == 1 and expand.inputs == project.outputs


@dataclass(frozen=True)
class Stage:
    """Blocks alike: channels inside and out, the first one's stride, and how many there are."""

    wide: int
    outputs: int
    stride: int
    blocks: int


# Table 1 of the paper has 1, 4, 1, 6, 1 and 2 blocks, and no seventh stage.
STAGES = (
    Stage(128, 64, 2, 1),
    Stage(128, 64, 1, 6),
    Stage(256, 128, 2, 1),
    Stage(256, 128, 1, 14),
    Stage(512, 128, 2, 1),
    Stage(256, 128, 1, 2),
    Stage(512, 128, 1, 6),
)


def _bottlenecks() -> tuple[Bottleneck, ...]:
    blocks: list[Bottleneck] = []
    inputs = 64
    for stage in STAGES:
        wide, outputs = stage.wide, stage.outputs
        for _ in range(stage.blocks):
            prefix = f"blocks.{len(blocks)}.n"
            convs = (
                Conv(f"{prefix}.0", inputs, wide),
                Conv(f"{prefix}.1", wide, wide, kernel=3, stride=stage.stride),
                Conv(f"{prefix}.2", wide, outputs, activation=False),
            )
            blocks.append(Bottleneck(convs))
            inputs = outputs
    return tuple(blocks)


STEM = (Conv("stem.0", 3, 64, kernel=3, stride=2), Conv("stem.1", 64, 64, kernel=3))
BLOCKS = _bottlenecks()
HEAD = (Conv("head.0", 128, WIDE), Conv("head.1", WIDE, WIDE, kernel=7, activation=False))
CONVS = (*STEM, *(conv for block in BLOCKS for conv in block.convs), *HEAD)


class Layer(nn.Module):
    """A convolution, its BatchNorm and, where there is one, ReLU6.

    A 1x1 kernel is kept as the matrix that it is, for an optimizer of matrices (Muon).
    """

    def __init__(self, conv: Conv) -> None:
        """Begin with random numbers."""
        super().__init__()
        self._conv = conv
        inputs = 1 if conv.depthwise else conv.inputs
        shape = (conv.outputs, inputs, conv.kernel, conv.kernel)
        spread = (2.0 / (inputs * conv.kernel**2)) ** 0.5
        matrix = shape[:2] if conv.kernel == 1 else shape
        self.weight = nn.Parameter(torch.randn(matrix) * spread)
        self.norm = nn.BatchNorm2d(conv.outputs, EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """Return the next map."""
        conv = self._conv
        padding = int(conv.kernel == 3 and conv.stride == 1)
        if conv.stride == 2:
            x = functional.pad(x, (0, 1, 0, 1))  # SAME, every size being even
        weight = self.weight[:, :, None, None] if conv.kernel == 1 else self.weight
        groups = conv.inputs if conv.depthwise else 1
        x = self.norm(functional.conv2d(x, weight, None, conv.stride, padding, 1, groups))
        return x.clamp(0.0, RELU6) if conv.activation else x


class Student(nn.Module):
    """The network that is trained; its arrays have the names of a weights file."""

    def __init__(self) -> None:
        """Begin with random numbers; a block that has a residual begins as the identity."""
        super().__init__()
        self._named = {conv.name: Layer(conv) for conv in CONVS}
        self.layers = nn.ModuleList(self._named.values())
        self.end = nn.Linear(WIDE, EMBEDDING)
        for block in BLOCKS:
            if block.residual:
                nn.init.zeros_(self.layer(block.convs[2]).norm.weight)

    def layer(self, conv: Conv) -> Layer:
        """Return the layer of a convolution."""
        return self._named[conv.name]

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return raw embeddings ``(n, 256)`` and the last map ``(n, 512, 7, 7)``.

        ``images`` are RGB ``(n, 3, 112, 112)``, 0 to 255.
        """
        x = (images - 127.5) / 128.0
        for conv in STEM:
            x = self.layer(conv)(x)
        for block in BLOCKS:
            before = x
            for conv in block.convs:
                x = self.layer(conv)(x)
            if block.residual:
                x = x + before
        wide = self.layer(HEAD[0])(x)
        return self.end(self.layer(HEAD[1])(wide).flatten(1)), wide

    def _arrays(self) -> dict[str, Tensor]:
        """Return every array under its name in a weights file."""
        named = {"fc.weight": self.end.weight, "fc.bias": self.end.bias}
        for conv in CONVS:
            layer = self.layer(conv)
            norm = layer.norm
            named[f"{conv.name}.0.weight"] = layer.weight
            named[f"{conv.name}.1.weight"] = norm.weight
            named[f"{conv.name}.1.bias"] = norm.bias
            named[f"{conv.name}.1.running_mean"] = norm.get_buffer("running_mean")
            named[f"{conv.name}.1.running_var"] = norm.get_buffer("running_var")
        return named

    def arrays(self) -> Arrays:
        """Return the arrays of a weights file, 1x1 kernels with their two ones."""
        found = {name: t.detach().float().cpu().numpy() for name, t in self._arrays().items()}
        return {n: a[:, :, None, None] if a.ndim == 2 else a.copy() for n, a in found.items()}

    def load(self, arrays: Mapping[str, NDArray[np.float32]]) -> None:
        """Take over what a weights file has; blocks that it has not stay as they are."""
        with torch.no_grad():
            for name, tensor in self._arrays().items():
                if name in arrays:
                    value = torch.from_numpy(np.array(arrays[name], np.float32))
                    tensor.copy_(value.reshape(tensor.shape))
