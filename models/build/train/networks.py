"""The student: our MobileFaceNet for int8.

It runs with BatchNorm folded into the convolutions. It keeps its BatchNorm parameters as the
trainable ones: the statistics are frozen, so that folding is differentiable, costs nothing per
image, and the network that is trained is the network that is quantized.

MobileFaceNet (Chen et al. 2018, arXiv:1804.07573) with ReLU6 in place of PReLU, TensorFlow's SAME
padding on strided convolutions, so that a TFLite file needs no PAD operation, and five blocks more
than the paper's: two at 14x14 and three, twice as wide inside, at 7x7, where they cost least.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.build.train import kernels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray
    from torch.autograd.function import FunctionCtx

SIZE = 112
EMBEDDING = 256
EPSILON = 1e-5
RELU6 = 6.0

Folded = dict[str, Tensor]


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


def _bottlenecks() -> tuple[Bottleneck, ...]:
    # (expansion, outputs, stride, repeats): table 1 of the paper, and five blocks more.
    table = [(128, 64, 2, 1), (128, 64, 1, 4), (256, 128, 2, 1), (256, 128, 1, 8)]
    table += [(512, 128, 2, 1), (256, 128, 1, 2), (512, 128, 1, 3)]
    blocks: list[Bottleneck] = []
    inputs = 64
    for wide, outputs, stride, repeats in table:
        for _ in range(repeats):
            prefix = f"blocks.{len(blocks)}.n"
            blocks.append(
                Bottleneck(
                    (
                        Conv(f"{prefix}.0", inputs, wide),
                        Conv(f"{prefix}.1", wide, wide, kernel=3, stride=stride),
                        Conv(f"{prefix}.2", wide, outputs, activation=False),
                    )
                )
            )
            inputs = outputs
    return tuple(blocks)


STEM = (Conv("stem.0", 3, 64, kernel=3, stride=2), Conv("stem.1", 64, 64, kernel=3))
BLOCKS = _bottlenecks()
HEAD = (Conv("head.0", 128, 512), Conv("head.1", 512, 512, kernel=7, activation=False))
CONVS = (*STEM, *(conv for block in BLOCKS for conv in block.convs), *HEAD)


class _Stem(torch.autograd.Function):
    """The stem's strided dense convolution with ReLU6.

    Backward leaves ReLU6 out, as everywhere here: the depthwise convolution that follows stops the
    gradient by its input where ReLU6 was at a bound.
    """

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return functional.conv2d(x, weight, bias, 2).clamp_(0.0, RELU6)

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        return torch.ops.aten.convolution_backward(
            gradient,
            x,
            weight,
            bias_sizes=[len(weight)],
            stride=[2, 2],
            padding=[0, 0],
            dilation=[1, 1],
            transposed=False,
            output_padding=[0, 0],
            groups=1,
            output_mask=[False, True, True],
        )


class _Depthwise(torch.autograd.Function):
    """3x3 depthwise convolution with ReLU6; weight and bias are float32."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        y = kernels.depthwise(x, weight, bias)
        ctx.save_for_backward(x, weight, y)
        return y

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, y = ctx.saved_tensors
        return kernels.depthwise_backward(gradient, y, x, weight)


class _Bottleneck(torch.autograd.Function):
    """A whole bottleneck; its arrays are passed only so that autograd hands out their gradients."""

    @staticmethod
    def forward(
        ctx: FunctionCtx, x: Tensor, packed: kernels.Bottleneck, *_arrays: Tensor
    ) -> Tensor:
        y, e, d = packed.forward(x, keep=any(ctx.needs_input_grad))
        ctx.save_for_backward(x, e, d)
        ctx.packed = packed
        return y

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        gx, *sums = ctx.packed.backward(gradient, *ctx.saved_tensors)
        return gx, None, *sums


class _WholeMap(torch.autograd.Function):
    """The head's depthwise convolution, whose kernel is as large as its map: a weighted sum."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return (x.float() * weight).sum((2, 3)) + bias

    @staticmethod
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        spread = gradient[:, :, None, None]
        return (spread * weight).bfloat16(), (spread * x).sum(0), gradient.sum(0)


@dataclass(frozen=True)
class Leaves:
    """The folded student as one step uses it: arrays to take gradients by, and their packed form.

    1x1 convolutions are float32 matrices ``(o, i)``, 3x3 depthwise ones ``(9, c)``, the head's
    ``(c, 7, 7)``; the stem is bfloat16 ``(o, i, 3, 3)``.
    """

    arrays: Folded
    bottlenecks: tuple[kernels.Bottleneck, ...]

    @classmethod
    def of(cls, folded: Folded) -> Leaves:
        """Detach the folded arrays and lay them out."""
        arrays = {name: value.detach() for name, value in folded.items()}
        for conv in CONVS:
            name = f"{conv.name}.weight"
            if conv.kernel == 1:
                arrays[name] = arrays[name].flatten(1)
            elif conv.kernel == 7:
                arrays[name] = arrays[name].squeeze(1)
            elif conv.depthwise:
                arrays[name] = arrays[name].flatten(1).t().contiguous()
        for part in ("weight", "bias"):
            arrays[f"stem.0.{part}"] = arrays[f"stem.0.{part}"].bfloat16()
        packed = tuple(
            kernels.Bottleneck.of(
                _of_block(block, arrays),
                block.convs[1].stride,
                residual=block.residual,
                before=int(block.convs[1].stride == 1),  # SAME, every size being even
            )
            for block in BLOCKS
        )
        for name, value in arrays.items():
            value.requires_grad_(folded[name].requires_grad)
        return cls(arrays, packed)

    def trained(self) -> Folded:
        """Return the arrays to take gradients by."""
        return {name: value for name, value in self.arrays.items() if value.requires_grad}

    def end(self) -> tuple[Tensor, Tensor]:
        """Return the last layer's matrix ``(256, 512)`` and bias."""
        return self.arrays["fc.weight"], self.arrays["fc.bias"]

    def folded(self, gradients: Sequence[Tensor], folded: Folded) -> list[Tensor]:
        """Bring gradients by the trained arrays to the layout of the folded arrays they are of."""
        out = []
        for gradient, name in zip(gradients, self.trained(), strict=True):
            taps_first = gradient.dim() == 2 and len(gradient) == 9 and name != "fc.weight"
            layout = gradient.t() if taps_first else gradient
            out.append(layout.reshape(folded[name].shape))
        return out


def _of_block(block: Bottleneck, arrays: Folded) -> list[Tensor]:
    return [arrays[f"{conv.name}.{part}"] for conv in block.convs for part in ("weight", "bias")]


def embed(images: Tensor, leaves: Leaves) -> Tensor:
    """Return raw embeddings ``(n, 256)``, float32, of normalised ``(n, 3, 112, 112)`` images."""
    return functional.linear(pooled(images, leaves), *leaves.end())


def pooled(images: Tensor, leaves: Leaves) -> Tensor:
    """Return what the last layer sees, ``(n, 512)``."""
    a = leaves.arrays
    x = functional.pad(images, (0, 1, 0, 1))  # SAME
    x = _Stem.apply(x, a["stem.0.weight"], a["stem.0.bias"])
    x = _Depthwise.apply(x, a["stem.1.weight"], a["stem.1.bias"])
    for block, packed in zip(BLOCKS, leaves.bottlenecks, strict=True):
        x = _Bottleneck.apply(x, packed, *_of_block(block, a))
    wide = a["head.0.weight"].bfloat16()[:, :, None, None]
    x = functional.conv2d(x, wide, a["head.0.bias"].bfloat16()).clamp(0.0, RELU6)
    return _WholeMap.apply(x, a["head.1.weight"], a["head.1.bias"])


class Student:
    """The trainable arrays of the student, by name, and the frozen BatchNorm statistics."""

    def __init__(self, arrays: Mapping[str, NDArray[np.float32]], frozen: int = 0) -> None:
        """Take the arrays of a weights file; the running statistics stay as they are.

        Of ``frozen`` blocks not 0, so many and the stem stay as they are as well.
        """
        self._shapes = {name: a.shape for name, a in arrays.items()}
        tensors = {name: torch.from_numpy(np.array(a, np.float32)) for name, a in arrays.items()}
        # A 1x1 kernel is a matrix, and an optimizer of matrices (Muon) has to see it as one.
        tensors = {n: t.flatten(1) if t.shape[2:] == (1, 1) else t for n, t in tensors.items()}
        self.statistics = {n: t for n, t in tensors.items() if ".running_" in n}
        self.parameters = {n: t for n, t in tensors.items() if n not in self.statistics}
        still = tuple(f"blocks.{i}." for i in range(frozen)) + (("stem.",) if frozen else ())
        for name, parameter in self.parameters.items():
            parameter.requires_grad_(not name.startswith(still))

    def fold(self, parameters: Mapping[str, Tensor] | None = None) -> Folded:
        """Return ``NAME.weight`` and ``NAME.bias`` with BatchNorm folded in, differentiable."""
        p = self.parameters if parameters is None else parameters
        folded: Folded = {"fc.weight": p["fc.weight"], "fc.bias": p["fc.bias"]}
        for conv in CONVS:
            n = conv.name
            scale = p[f"{n}.1.weight"] * (self.statistics[f"{n}.1.running_var"] + EPSILON).rsqrt()
            weight = p[f"{n}.0.weight"].view(self._shapes[f"{n}.0.weight"])
            folded[f"{n}.weight"] = weight * scale[:, None, None, None]
            folded[f"{n}.bias"] = p[f"{n}.1.bias"] - self.statistics[f"{n}.1.running_mean"] * scale
        return folded

    def arrays(
        self, parameters: Mapping[str, Tensor] | None = None
    ) -> dict[str, NDArray[np.float32]]:
        """Return every array by its name in the weights file."""
        p = self.parameters if parameters is None else parameters
        everything = {**p, **self.statistics}
        return {
            n: everything[n].detach().numpy().reshape(s).copy() for n, s in self._shapes.items()
        }
