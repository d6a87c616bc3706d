"""The loops of ``kernels.c``, compiled for this machine (AVX-512, bfloat16), on tensors.

Maps are bfloat16 tensors ``(n, c, h, w)`` in channels-last memory. The calls release the GIL.
"""

from __future__ import annotations

import ctypes
import hashlib
import subprocess
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Sequence

SOURCE = Path(__file__).with_name("kernels.c")


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL:
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]
    built = Path(tempfile.gettempdir()) / f"distillation-kernels-{digest}.so"
    if not built.exists():
        partial = built.with_suffix(".partial")
        command = [
            "gcc",
            "-O3",
            "-march=native",
            "-shared",
            "-fPIC",
            "-o",
            str(partial),
            str(SOURCE),
        ]
        subprocess.run(command, check=True)
        partial.replace(built)
    return ctypes.CDLL(str(built))


def _pointer(tensor: Tensor | None) -> ctypes.c_void_p:
    return ctypes.c_void_p(None if tensor is None else tensor.data_ptr())


def _map(tensor: Tensor) -> Tensor:
    return tensor.contiguous(memory_format=torch.channels_last)


def _empty(n: int, channels: int, height: int, width: int) -> Tensor:
    return torch.empty(
        (n, channels, height, width), dtype=torch.bfloat16, memory_format=torch.channels_last
    )


def depthwise(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Convolve depthwise with float32 ``(9, c)``; apply ReLU6."""
    x = _map(x)
    y = torch.empty_like(x)
    arrays = (x, weight, bias, y)
    _library().depthwise_forward(*map(_pointer, arrays), *_sizes(x), 1, 1)
    return y


def depthwise_backward(
    gradient: Tensor, y: Tensor, x: Tensor, weight: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of `depthwise` with ReLU6, by input, weight and bias.

    ``x`` is taken to be the output of a ReLU6: its gradient is stopped at the bounds here.
    """
    gx, gw, gb = torch.empty_like(x), torch.empty_like(weight), torch.empty(len(weight[0]))
    arrays = (_map(gradient), y, x, weight, gx, gw, gb)
    _check(_library().depthwise_backward(*map(_pointer, arrays), *_sizes(x), 1, 1))
    return gx, gw, gb


def _sizes(x: Tensor) -> tuple[int, int, int, int]:
    n, channels, height, width = x.shape
    return n, height, width, channels


class _Shape(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_int)
        for name in ("n", "h", "w", "inputs", "wide", "outputs", "stride", "before", "residual")
    )


def pack(matrix: Tensor) -> Tensor:
    """Lay ``(inner, columns)`` out as the products read it: pairs, panels of 64 columns."""
    inner, columns = matrix.shape
    panels = matrix.bfloat16().reshape(inner // 2, 2, columns // 64, 64)
    return panels.permute(2, 0, 3, 1).contiguous()


@dataclass(frozen=True)
class Bottleneck:
    """Expand, depthwise and project, packed. Biases are float32."""

    expand: Tensor
    expand_back: Tensor
    expand_bias: Tensor
    depthwise: Tensor
    depthwise_bias: Tensor
    project: Tensor
    project_back: Tensor
    project_bias: Tensor
    stride: int
    residual: bool
    before: int

    @classmethod
    def of(
        cls,
        weights: Sequence[Tensor],
        stride: int,
        *,
        residual: bool,
        before: int,
    ) -> Bottleneck:
        """Pack weights and biases of expand ``(wide, i)``, depthwise ``(9, wide)``, project.

        The weights of project are ``(outputs, wide)``.
        """
        expand, expand_bias, depthwise, depthwise_bias, project, project_bias = weights
        return cls(
            pack(expand.t()),
            pack(expand),
            expand_bias,
            depthwise,
            depthwise_bias,
            pack(project.t()),
            pack(project),
            project_bias,
            stride,
            residual,
            before,
        )

    def shape(self, x: Tensor) -> _Shape:
        """Return the shape of this bottleneck on ``x``."""
        n, inputs, height, width = x.shape
        sizes = (n, height, width, inputs, len(self.expand_bias), len(self.project_bias))
        return _Shape(*sizes, self.stride, self.before, self.residual)

    def forward(self, x: Tensor, *, keep: bool) -> tuple[Tensor, Tensor | None, Tensor | None]:
        """Return the output and, if they are to be kept for `backward`, both wide maps."""
        x = _map(x)
        s = self.shape(x)
        height, width = s.h // s.stride, s.w // s.stride
        y = _empty(s.n, s.outputs, height, width)
        e = _empty(s.n, s.wide, s.h, s.w) if keep else None
        d = _empty(s.n, s.wide, height, width) if keep else None
        arrays = [x, self.expand, self.expand_bias, self.depthwise, self.depthwise_bias]
        arrays += [self.project, self.project_bias, e, d, y]
        _check(_library().bottleneck_forward(ctypes.byref(s), *map(_pointer, arrays)))
        return y, e, d

    def backward(self, gradient: Tensor, x: Tensor, e: Tensor, d: Tensor) -> tuple[Tensor, ...]:
        """Return the gradients by the input and by what `of` was given, in that order."""
        s = self.shape(x)
        gx = torch.empty_like(x)
        sums = (
            torch.empty(s.wide, s.inputs),
            torch.empty(s.wide),
            torch.empty(9, s.wide),
            torch.empty(s.wide),
            torch.empty(s.outputs, s.wide),
            torch.empty(s.outputs),
        )
        arrays = [_map(gradient), x, e, d, self.expand_back, self.depthwise, self.project_back]
        arrays += [gx, *sums]
        _check(_library().bottleneck_backward(ctypes.byref(s), *map(_pointer, arrays)))
        return gx, *sums


def _check(result: int) -> None:
    if result:
        raise MemoryError
