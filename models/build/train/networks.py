"""The student (our MobileFaceNet for int8) and the teacher it is distilled from.

Both run with BatchNorm folded into the convolutions. The student keeps its BatchNorm parameters as
the trainable ones: the statistics are frozen, so that folding is differentiable, costs nothing
per image, and the network that is trained is the network that is quantized.

Student: MobileFaceNet (Chen et al. 2018, arXiv:1804.07573) with ReLU6 in place of PReLU and
TensorFlow's SAME padding on strided convolutions, so that a TFLite file needs no PAD operation.
For an even size SAME pads only below and on the right: a window of stride 2 then sits one pixel
further than with symmetric padding. Over k such strides cell ``i`` of the student looks at the
teacher's cell ``i + 1``, one input pixel nearer. `TEACHER_SHIFT` and `stage_error` undo both.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.build.train import kernels

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SIZE = 112
EMBEDDING = 128
TEACHER_SHIFT = 1  # pixels that the teacher's view starts before the student's
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
    # (expansion, outputs, stride, repeats): table 1 of the paper, at the teacher's widths.
    table = [(128, 64, 2, 1), (128, 64, 1, 4), (256, 128, 2, 1)]
    table += [(256, 128, 1, 6), (512, 128, 2, 1), (256, 128, 1, 2)]
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
    def forward(ctx, x, weight, bias):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        ctx.save_for_backward(x, weight)
        return functional.conv2d(x, weight, bias, 2).clamp_(0.0, RELU6)

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
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
    def forward(ctx, x, weight, bias):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        y = kernels.depthwise(x, weight, bias)
        ctx.save_for_backward(x, weight, y)
        return y

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        x, weight, y = ctx.saved_tensors
        return kernels.depthwise_backward(gradient, y, x, weight)


class _Bottleneck(torch.autograd.Function):
    """A whole bottleneck; its arrays are passed only so that autograd hands out their gradients."""

    @staticmethod
    def forward(ctx, x, packed: kernels.Bottleneck, *_arrays):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN002, ANN205
        y, e, d = packed.forward(x, keep=True)
        ctx.save_for_backward(x, e, d)
        ctx.packed = packed
        return y

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        gx, *sums = ctx.packed.backward(gradient, *ctx.saved_tensors)
        return gx, None, *sums


class _WholeMap(torch.autograd.Function):
    """The head's depthwise convolution, whose kernel is as large as its map: a weighted sum."""

    @staticmethod
    def forward(ctx, x, weight, bias):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        ctx.save_for_backward(x, weight)
        return (x.float() * weight).sum((2, 3)) + bias

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        x, weight = ctx.saved_tensors
        spread = gradient[:, :, None, None]
        return (spread * weight).bfloat16(), (spread * x).sum(0), gradient.sum(0)


class _StageError(torch.autograd.Function):
    """Mean squared error of a student's map to its teacher's, over the teacher's variance."""

    @staticmethod
    def forward(ctx, student, teacher, variance: float):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        error, gradient = kernels.stage_error(student, teacher, variance)
        ctx.save_for_backward(gradient)
        return torch.tensor(error)

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        return ctx.saved_tensors[0] * gradient.bfloat16(), None, None


def stage_error(student: Tensor, teacher: Tensor, variance: float) -> Tensor:
    """Return the mean squared error of a student's map to its teacher's, over ``variance``."""
    return _StageError.apply(student, teacher, variance)  # type: ignore[no-any-return,no-untyped-call]


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
        return cls({name: value.requires_grad_() for name, value in arrays.items()}, packed)

    def folded(self, gradients: Sequence[Tensor], folded: Folded) -> list[Tensor]:
        """Bring gradients by the arrays to the layout of the folded arrays they come from."""
        out = []
        for gradient, (name, target) in zip(gradients, folded.items(), strict=True):
            taps_first = gradient.dim() == 2 and len(gradient) == 9 and name != "fc.weight"
            out.append((gradient.t() if taps_first else gradient).reshape(target.shape))
        return out


def _of_block(block: Bottleneck, arrays: Folded) -> list[Tensor]:
    return [arrays[f"{conv.name}.{part}"] for conv in block.convs for part in ("weight", "bias")]


def embed(images: Tensor, leaves: Leaves) -> tuple[list[Tensor], Tensor]:
    """Run the student on ``(n, 3, 112, 112)`` normalised images.

    Returns the output of every bottleneck and the raw embeddings ``(n, 128)`` as float32.
    """
    a = leaves.arrays
    x = functional.pad(images, (0, 1, 0, 1))  # SAME
    x = _Stem.apply(x, a["stem.0.weight"], a["stem.0.bias"])  # type: ignore[no-untyped-call]
    x = _Depthwise.apply(x, a["stem.1.weight"], a["stem.1.bias"])  # type: ignore[no-untyped-call]
    stages = []
    for block, packed in zip(BLOCKS, leaves.bottlenecks, strict=True):
        x = _Bottleneck.apply(x, packed, *_of_block(block, a))  # type: ignore[no-untyped-call]
        stages.append(x)
    wide = a["head.0.weight"].bfloat16()[:, :, None, None]
    x = functional.conv2d(x, wide, a["head.0.bias"].bfloat16()).clamp(0.0, RELU6)
    pooled = _WholeMap.apply(x, a["head.1.weight"], a["head.1.bias"])  # type: ignore[no-untyped-call]
    return stages, functional.linear(pooled, a["fc.weight"], a["fc.bias"])


class Student:
    """The trainable arrays of the student, by name, and the frozen BatchNorm statistics."""

    def __init__(self, arrays: Mapping[str, NDArray[np.float32]]) -> None:
        """Take the arrays of a weights file; the running statistics stay as they are."""
        self._shapes = {name: a.shape for name, a in arrays.items()}
        tensors = {name: torch.from_numpy(np.array(a, np.float32)) for name, a in arrays.items()}
        # A 1x1 kernel is a matrix, and an optimizer of matrices (Muon) has to see it as one.
        tensors = {n: t.flatten(1) if t.shape[2:] == (1, 1) else t for n, t in tensors.items()}
        self.statistics = {n: t for n, t in tensors.items() if ".running_" in n}
        self.parameters = {
            n: t.requires_grad_() for n, t in tensors.items() if n not in self.statistics
        }

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


def to_same_padding(arrays: Mapping[str, NDArray[np.float32]]) -> dict[str, NDArray[np.float32]]:
    """Carry weights trained with symmetric padding over to SAME padding.

    Every map moves by one cell, which only the 7x7 kernel of the head can tell.
    """
    moved = dict(arrays)
    kernel = np.zeros_like(moved["head.1.0.weight"])
    kernel[:, :, :-1, :-1] = moved["head.1.0.weight"][:, :, 1:, 1:]
    moved["head.1.0.weight"] = kernel
    return moved


class Teacher:
    """The public float32 MobileFaceNet, folded, in bfloat16, on the same kernels."""

    def __init__(self, folder: Path) -> None:
        """Read ``layers.json`` and ``weights.npz`` of the teacher's folder."""
        with np.load(folder / "weights.npz") as archive:
            self._arrays = {name: torch.from_numpy(archive[name]) for name in archive.files}
        layers = json.loads((folder / "layers.json").read_text())
        self._epsilon = {
            layer["name"]: float(layer.get("eps", 1e-3))
            for layer in layers
            if layer["op"] == "BatchNorm"
        }
        self._stem = self._dense("conv_1"), self._slope("conv_1")
        self._stem_depthwise = *self._depthwise("conv_2_dw"), self._slope("conv_2_dw")
        names = [layer["name"] for layer in layers if layer["name"].endswith("conv_sep_conv2d")]
        self._blocks = [
            self._bottleneck(name.removesuffix("_sep_conv2d"), block)
            for name, block in zip(names, BLOCKS, strict=True)
        ]
        self._head = self._dense("conv_6sep"), self._slope("conv_6sep")
        self._pool = self._fold("conv_6dw7_7_conv2d_weight", "conv_6dw7_7_batchnorm")
        weight, bias = self._fold("fc1_weight", "fc1", fixed_gamma=True)
        scale = self._scale("fc1", fixed_gamma=True)
        self._fc = weight, bias + self._arrays["pre_fc1_bias"] * scale

    def _scale(self, norm: str, *, fixed_gamma: bool = False) -> Tensor:
        gamma = 1.0 if fixed_gamma else self._arrays[f"{norm}_gamma"]
        return gamma * (self._arrays[f"{norm}_moving_var"] + self._epsilon[norm]).rsqrt()

    def _fold(self, weight: str, norm: str, *, fixed_gamma: bool = False) -> tuple[Tensor, Tensor]:
        scale = self._scale(norm, fixed_gamma=fixed_gamma)
        folded = self._arrays[weight]
        folded = folded * scale.view(-1, *[1] * (folded.dim() - 1))
        return folded, self._arrays[f"{norm}_beta"] - self._arrays[f"{norm}_moving_mean"] * scale

    def _dense(self, name: str) -> tuple[Tensor, Tensor]:
        weight, bias = self._fold(f"{name}_conv2d_weight", f"{name}_batchnorm")
        return weight.bfloat16().contiguous(memory_format=torch.channels_last), bias.bfloat16()

    def _depthwise(self, name: str) -> tuple[Tensor, Tensor]:
        weight, bias = self._fold(f"{name}_conv2d_weight", f"{name}_batchnorm")
        return weight.flatten(1).t().contiguous(), bias

    def _slope(self, name: str) -> Tensor:
        return self._arrays[f"{name}_relu_gamma"].flatten()

    def _bottleneck(self, name: str, block: Bottleneck) -> kernels.Bottleneck:
        expand, expand_bias = self._fold(f"{name}_sep_conv2d_weight", f"{name}_sep_batchnorm")
        project, project_bias = self._fold(f"{name}_proj_conv2d_weight", f"{name}_proj_batchnorm")
        arrays = (expand.flatten(1), expand_bias, *self._depthwise(f"{name}_dw"))
        return kernels.Bottleneck.of(
            (*arrays, project.flatten(1), project_bias),
            block.convs[1].stride,
            residual=block.residual,
            before=1,  # symmetric padding, also where the stride is 2
            slopes=(self._slope(f"{name}_sep"), self._slope(f"{name}_dw")),
        )

    def __call__(self, images: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return the output of every bottleneck and the embeddings of normalised images."""
        with torch.no_grad():
            x = functional.conv2d(images, *self._stem[0], 2, 1)
            x = functional.prelu(x, self._stem[1].bfloat16())
            weight, bias, slope = self._stem_depthwise
            x = kernels.depthwise(x, weight, bias, slope)
            stages = []
            for block in self._blocks:
                x, _, _ = block.forward(x, keep=False)
                stages.append(x)
            x = functional.prelu(functional.conv2d(x, *self._head[0]), self._head[1].bfloat16())
            weight, bias = self._pool
            pooled = (x.float() * weight.squeeze(1)).sum((2, 3)) + bias
            return stages, functional.linear(pooled, *self._fc)
