"""The eyelid network while it is trained (PyTorch); `fold` gives what is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.build.eyelids.shape import CELLS, LAYERS, SHUT, USUAL, WIDTH
from models.build.torch_layers import folded

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

DROPPED = 0.2


class Student(nn.Module):
    """One stack of convolutions over an eye, and two answers."""

    def __init__(self) -> None:
        super().__init__()
        # TensorFlow pads a strided layer below and on the right alone, and so does `forward`.
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, 3, stride, 2 - stride, bias=False)
            for before, after, stride in LAYERS
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(after) for _, after, _ in LAYERS)
        self.inner = nn.Linear(CELLS, WIDTH)
        self.out = nn.Linear(WIDTH, 2)
        self.tap: Callable[[str, Tensor], None] = lambda _name, _values: None

    def forward(self, eyes: Tensor) -> Tensor:
        """Lid levels of the opening and of being shut `(n, 2)`, of RGB 0-1 `(n, 3, 48, 48)`."""
        x = eyes.contiguous(memory_format=torch.channels_last)
        layers = zip(self.convolutions, self.norms, LAYERS, strict=True)
        for number, (layer, norm, (_, _, stride)) in enumerate(layers):
            padded = functional.pad(x, (0, 1, 0, 1)) if stride > 1 else x
            y = functional.relu6(norm(layer(padded)))
            self.tap(f"{number}", y)
            x = y if stride > 1 else x + y
            self.tap(f"{number}.sum", x)
        flat = x.permute(0, 2, 3, 1).flatten(1)
        inner = functional.relu6(self.inner(functional.dropout(flat, DROPPED, self.training)))
        self.tap("inner", inner)
        answers: Tensor = self.out(inner)
        return answers


def ranges(student: Student, eyes: Tensor) -> dict[str, tuple[float, float]]:
    """Of every activation that int8 arithmetic rounds, by the names in `network.py`."""
    found: dict[str, tuple[float, float]] = {"image": (0.0, 1.0)}

    def note(name: str, values: Tensor) -> None:
        low, high = found.get(name, (0.0, 0.0))
        found[name] = min(low, values.min().item()), max(high, values.max().item())

    student.tap = note
    with torch.no_grad():
        student.eval()(eyes)
    return found


def fold(student: Student) -> dict[str, NDArray[np.float16]]:
    """Kernels and biases, BatchNorm and the unit of the answers folded in."""
    kept: dict[str, NDArray[np.float64]] = {}
    with torch.no_grad():
        pairs = zip(student.convolutions, student.norms, strict=True)
        for number, (layer, norm) in enumerate(pairs):
            kept[f"{number}.kernel"], kept[f"{number}.bias"] = folded(layer, norm)
        kept["inner.kernel"] = student.inner.weight.T.numpy()
        kept["inner.bias"] = student.inner.bias.numpy()
        unit = np.array([USUAL, -1 / SHUT])
        kept["out.kernel"] = student.out.weight.T.numpy() * unit
        kept["out.bias"] = student.out.bias.numpy() * unit
    return {name: values.astype(np.float16) for name, values in kept.items()}
