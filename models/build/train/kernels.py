"""The loops of ``kernels.c``, compiled for this machine (AVX-512, bfloat16), on tensors.

Maps are bfloat16 tensors ``(n, c, h, w)`` in channels-last memory. The calls release the GIL.
"""

from __future__ import annotations

import ctypes
import hashlib
import subprocess
import tempfile
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

SOURCE = Path(__file__).with_name("kernels.c")


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL:
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:16]
    built = Path(tempfile.gettempdir()) / f"distillation-kernels-{digest}.so"
    if not built.exists():
        partial = built.with_suffix(".partial")
        command = ["gcc", "-O3", "-march=native", "-shared", "-fPIC", "-o", partial, SOURCE]
        subprocess.run(command, check=True)
        partial.replace(built)
    library = ctypes.CDLL(str(built))
    library.stage_error.restype = ctypes.c_double
    return library


def _pointer(tensor: Tensor | None) -> ctypes.c_void_p:
    return ctypes.c_void_p(None if tensor is None else tensor.data_ptr())


def _map(tensor: Tensor) -> Tensor:
    return tensor.contiguous(memory_format=torch.channels_last)


def _empty(n: int, channels: int, height: int, width: int) -> Tensor:
    return torch.empty(
        (n, channels, height, width), dtype=torch.bfloat16, memory_format=torch.channels_last
    )


def _same(stride: int) -> int:
    return int(stride == 1)  # every map here has an even size where the stride is 2


def depthwise(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    stride: int,
    before: int | None = None,
    slope: Tensor | None = None,
) -> Tensor:
    """Convolve depthwise with float32 ``(9, c)`` and apply ReLU6, or PReLU where a slope is given.

    ``before`` is the padding above and on the left; by default, that of TensorFlow's SAME.
    """
    before = _same(stride) if before is None else before
    n, channels, height, width = x.shape
    x = _map(x)
    y = _empty(n, channels, height // stride, width // stride)
    _library().depthwise_forward(
        *map(_pointer, (x, weight, bias, slope, y)), n, height, width, channels, stride, before
    )
    return y


def depthwise_backward(
    gradient: Tensor, y: Tensor, x: Tensor, weight: Tensor, stride: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of `depthwise` with ReLU6, by input, weight and bias.

    ``x`` is taken to be the output of a ReLU6: its gradient is stopped at the bounds here.
    """
    n, channels, height, width = x.shape
    gradient = _map(gradient)
    gx = _empty(n, channels, height, width)
    gw, gb = torch.empty_like(weight), torch.empty(channels)
    if _library().depthwise_backward(
        *map(_pointer, (gradient, y, x, weight, gx, gw, gb)),
        n,
        height,
        width,
        channels,
        stride,
        _same(stride),
    ):
        raise MemoryError
    return gx, gw, gb


def stage_error(student: Tensor, teacher: Tensor, variance: float) -> tuple[float, Tensor]:
    """Return mean squared error / variance over the cells both nets have, and its gradient.

    Cell ``(i, j)`` of the student is held against ``(i + 1, j + 1)`` of the teacher.
    """
    n, channels, height, width = student.shape
    student, teacher = _map(student), _map(teacher)
    gradient = torch.empty_like(student)
    scale = 1.0 / (n * channels * (height - 1) * (width - 1) * variance)
    total = _library().stage_error(
        *map(_pointer, (student, teacher, gradient)),
        ctypes.c_float(scale),
        n,
        height,
        width,
        channels,
    )
    return total * scale, gradient
