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
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.build.train import kernels

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SIZE = 112
EMBEDDING = 128
TEACHER_SHIFT = 1  # pixels that the teacher's view starts before the student's
EPSILON = 1e-5
RELU6 = 6.0

TEACHER_STAGES = (
    "dconv_23_conv_proj_batchnorm",
    *(f"_plus{k}" for k in range(4)),
    "dconv_34_conv_proj_batchnorm",
    *(f"_plus{k}" for k in range(4, 10)),
    "dconv_45_conv_proj_batchnorm",
    *(f"_plus{k}" for k in range(10, 12)),
)

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
    table = ((128, 64, 2, 1), (128, 64, 1, 4), (256, 128, 2, 1))
    table += ((256, 128, 1, 6), (512, 128, 2, 1), (256, 128, 1, 2))
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


class _Convolution(torch.autograd.Function):
    """Convolution over channels, bias and, where asked, ReLU6.

    Backward leaves ReLU6 out: a depthwise convolution always follows, and its gradient by its
    input is already stopped where ReLU6 was.
    """

    @staticmethod
    def forward(ctx, x, weight, bias, conv: Conv):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        ctx.save_for_backward(x, weight)
        ctx.conv = conv
        after = ("hardtanh", [0.0, RELU6]) if conv.activation else ("none", [])
        return torch.ops.mkldnn._convolution_pointwise(  # noqa: SLF001 - one pass, not two
            x, weight, bias, [0, 0], [conv.stride] * 2, [1, 1], 1, *after, ""
        )

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        x, weight = ctx.saved_tensors
        gradients = torch.ops.aten.convolution_backward(
            gradient,
            x,
            weight,
            [weight.shape[0]],
            [ctx.conv.stride] * 2,
            [0, 0],
            [1, 1],
            False,  # noqa: FBT003
            [0, 0],
            1,
            [ctx.needs_input_grad[0], True, True],
        )
        return *gradients, None


class _Depthwise(torch.autograd.Function):
    """3x3 depthwise convolution with ReLU6; weight and bias are float32."""

    @staticmethod
    def forward(ctx, x, weight, bias, stride: int):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        y = kernels.depthwise(x, weight, bias, stride)
        ctx.save_for_backward(x, weight, y)
        ctx.stride = stride
        return y

    @staticmethod
    def backward(ctx, gradient):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN205
        x, weight, y = ctx.saved_tensors
        return *kernels.depthwise_backward(gradient, y, x, weight, ctx.stride), None


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
        inside = (x > 0) & (x < RELU6)  # x comes out of a ReLU6
        return (spread * weight * inside).bfloat16(), (spread * x).sum(0), gradient.sum(0)


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


def _convolve(x: Tensor, conv: Conv, folded: Folded) -> Tensor:
    weight, bias = folded[f"{conv.name}.weight"], folded[f"{conv.name}.bias"]
    if conv.depthwise:
        return _Depthwise.apply(x, weight, bias, conv.stride)  # type: ignore[no-any-return,no-untyped-call]
    return _Convolution.apply(x, weight, bias, conv)  # type: ignore[no-any-return,no-untyped-call]


def embed(images: Tensor, folded: Folded) -> tuple[list[Tensor], Tensor]:
    """Run the student on ``(n, 3, 112, 112)`` normalised images.

    Returns the output of every bottleneck and the raw embeddings ``(n, 128)`` as float32.
    """
    x = functional.pad(images, (0, 1, 0, 1))  # SAME, for the one dense convolution with a stride
    for conv in STEM:
        x = _convolve(x, conv, folded)
    stages = []
    for block in BLOCKS:
        y = x
        for conv in block.convs:
            y = _convolve(y, conv, folded)
        x = x + y if block.residual else y
        stages.append(x)
    x = _convolve(x, HEAD[0], folded)
    pooled = _WholeMap.apply(x, folded["head.1.weight"], folded["head.1.bias"])  # type: ignore[no-untyped-call]
    return stages, functional.linear(pooled, folded["fc.weight"], folded["fc.bias"])


class Student:
    """The trainable arrays of the student, by name, and the frozen BatchNorm statistics."""

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
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

    def arrays(self, parameters: Mapping[str, Tensor] | None = None) -> dict[str, np.ndarray]:
        """Return every array by its name in the weights file."""
        p = self.parameters if parameters is None else parameters
        everything = {**p, **self.statistics}
        return {
            n: everything[n].detach().numpy().reshape(s).copy() for n, s in self._shapes.items()
        }


def to_same_padding(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Carry weights trained with symmetric padding over to SAME padding.

    Every map moves by one cell, which only the 7x7 kernel of the head can tell.
    """
    moved = dict(arrays)
    kernel = np.zeros_like(moved["head.1.0.weight"])
    kernel[:, :, :-1, :-1] = moved["head.1.0.weight"][:, :, 1:, 1:]
    moved["head.1.0.weight"] = kernel
    return moved


def leaves(folded: Folded) -> Folded:
    """Return the folded arrays as leaves in the types and layouts that the kernels want.

    Dense convolutions: bfloat16, channels last. 3x3 depthwise: float32 ``(9, c)``. Head: float32
    ``(c, 7, 7)`` and matrix.
    """
    out: Folded = {}
    for conv in CONVS:
        weight, bias = (folded[f"{conv.name}.{part}"].detach() for part in ("weight", "bias"))
        if not conv.depthwise:
            weight = weight.bfloat16().contiguous(memory_format=torch.channels_last)
            bias = bias.bfloat16()
        elif conv.kernel == 3:
            weight = weight.flatten(1).t().contiguous()
        else:
            weight = weight.squeeze(1)
        out[f"{conv.name}.weight"], out[f"{conv.name}.bias"] = weight, bias
    out["fc.weight"], out["fc.bias"] = folded["fc.weight"].detach(), folded["fc.bias"].detach()
    return {name: out[name].requires_grad_() for name in folded}


def as_folded(gradient: Tensor, folded: Tensor) -> Tensor:
    """Bring the gradient of a leaf back to the layout of the folded array it came from."""
    if gradient.shape[0] == 9 and gradient.dim() == 2:
        gradient = gradient.t()
    return gradient.float().reshape(folded.shape)


class Teacher:
    """The public float32 MobileFaceNet, folded, in bfloat16."""

    def __init__(self, folder: Path) -> None:
        """Read ``layers.json`` and ``weights.npz`` of the teacher's folder."""
        with np.load(folder / "weights.npz") as archive:
            arrays = {name: torch.from_numpy(archive[name]) for name in archive.files}
        layers = json.loads((folder / "layers.json").read_text())
        self._steps: list[_Step] = []
        norms = {layer["inputs"][0]: layer for layer in layers if layer["op"] == "BatchNorm"}
        activations = {layer["inputs"][0]: layer for layer in layers if layer["op"] == "LeakyReLU"}
        for layer in layers:
            if layer["op"] in {"Convolution", "FullyConnected"}:
                norm = norms[layer["name"]]
                weight, bias = _fold(layer, norm, arrays)
                output, slope = norm["name"], None
                if output in activations:
                    output = activations[output]["name"]
                    slope = arrays[f"{output}_gamma"].flatten()
                self._steps.append(_layer(output, layer, weight, bias, slope))
            elif layer["op"] == "elemwise_add":
                self._steps.append(_add(layer["name"], *layer["inputs"]))

    def __call__(self, images: Tensor) -> tuple[list[Tensor], Tensor]:
        """Return the stages of `TEACHER_STAGES` and the embeddings of normalised images."""
        with torch.no_grad():
            values = {"_mulscalar0": images}
            for step in self._steps:
                step(values)
            return [values[s] for s in TEACHER_STAGES], values["fc1"].flatten(1).float()


_Step = Callable[[dict[str, Tensor]], None]


def _fold(
    layer: dict[str, Any], norm: dict[str, Any], arrays: dict[str, Tensor]
) -> tuple[Tensor, Tensor]:
    """Return the teacher's convolution ``(o, i, h, w)`` and bias with its BatchNorm folded in."""
    name = norm["name"]
    gamma = arrays[f"{name}_gamma"]
    if norm["fix_gamma"] == "True":
        gamma = torch.ones_like(gamma)
    scale = gamma * (arrays[f"{name}_moving_var"] + float(norm.get("eps", 1e-3))).rsqrt()
    bias = arrays[f"{name}_beta"] - arrays[f"{name}_moving_mean"] * scale
    weight = arrays[layer["inputs"][1]]
    if layer["op"] == "FullyConnected":
        bias = bias + arrays["pre_fc1_bias"] * scale
        weight = weight[:, :, None, None]
    return weight * scale[:, None, None, None], bias


def _layer(
    output: str, layer: dict[str, Any], weight: Tensor, bias: Tensor, slope: Tensor | None
) -> _Step:
    """Return the step of one convolution, with PReLU where a slope is given."""
    source = layer["inputs"][0]
    stride, pad = int(layer.get("stride", "(1, 1)")[1]), int(layer.get("pad", "(0, 0)")[1])
    groups = int(layer.get("num_group", 1))
    if groups > 1 and slope is not None:
        taps = weight.flatten(1).t().contiguous()

        def step(values: dict[str, Tensor]) -> None:
            values[output] = kernels.depthwise(values.pop(source), taps, bias, stride, pad, slope)

    else:
        weight = weight.bfloat16().contiguous(memory_format=torch.channels_last)
        bias = bias.bfloat16()
        slope = None if slope is None else slope.bfloat16()

        def step(values: dict[str, Tensor]) -> None:
            y = functional.conv2d(values[source], weight, bias, stride, pad, 1, groups)
            values[output] = y if slope is None else functional.prelu(y, slope)

    return step


def _add(output: str, left: str, right: str) -> _Step:
    def step(values: dict[str, Tensor]) -> None:
        values[output] = values[left] + values[right]

    return step
