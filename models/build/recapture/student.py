"""The recapture network while it is trained (PyTorch); `fold` gives what is kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from models.build.recapture.shape import CELLS, LAYERS, SCALES, WIDTH

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

TAUGHT = 128
"""Numbers of each teacher's last layer."""
DROPPED = 0.3


class Student(nn.Module):
    """One stack of convolutions for all crops, one layer for each, and their sum."""

    def __init__(self) -> None:
        super().__init__()
        # TensorFlow pads a strided layer below and on the right alone, and so does `_seen`.
        self.convolutions = nn.ModuleList(
            nn.Conv2d(before, after, 3, stride, 2 - stride, bias=False)
            for before, after, stride in LAYERS
        )
        self.norms = nn.ModuleList(nn.BatchNorm2d(after) for _, after, _ in LAYERS)
        self.views = nn.ModuleList(nn.Linear(CELLS, WIDTH) for _ in SCALES)
        self.out = nn.Linear(WIDTH * len(SCALES), 1)
        self.taught = nn.ModuleList(nn.Linear(WIDTH, TAUGHT) for _ in SCALES)
        self.tap: Callable[[str, Tensor], None] = lambda _name, _values: None

    def forward(self, crops: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Log-odds of an attack `(n,)`, and what each teacher would have seen `(n, 128)`.

        Args:
            crops: `(n, 3, 3, 80, 80)`: faces, scales, RGB 0-1.
        """
        seen = self._seen(crops.flatten(0, 1).contiguous(memory_format=torch.channels_last))
        flat = seen.permute(0, 2, 3, 1).reshape(len(crops), len(SCALES), CELLS)
        flat = functional.dropout(flat, DROPPED, self.training)
        views = [functional.relu(view(flat[:, k])) for k, view in enumerate(self.views)]
        for number, view in enumerate(views):
            self.tap(f"view{number}", view)
        self.tap("seen", torch.cat(views, 1))
        dropped = functional.dropout(torch.cat(views, 1), DROPPED / 2, self.training)
        taught = [head(view) for head, view in zip(self.taught, views, strict=True)]
        return self.out(dropped)[:, 0], taught

    def _seen(self, x: Tensor) -> Tensor:
        layers = zip(self.convolutions, self.norms, LAYERS, strict=True)
        for number, (layer, norm, (_, _, stride)) in enumerate(layers):
            padded = functional.pad(x, (0, 1, 0, 1)) if stride > 1 else x
            y = functional.relu(norm(layer(padded)))
            self.tap(f"{number}", y)
            x = y if stride > 1 else x + y
            self.tap(f"{number}.sum", x)
        return x


def ranges(student: Student, crops: Tensor) -> dict[str, tuple[float, float]]:
    """Of every activation that int8 arithmetic rounds, by the names in `network.py`."""
    found: dict[str, tuple[float, float]] = {"image": (0.0, 1.0)}

    def note(name: str, values: Tensor) -> None:
        low, high = found.get(name, (0.0, 0.0))
        found[name] = min(low, values.min().item()), max(high, values.max().item())

    student.tap = note
    with torch.no_grad():
        student.eval()(crops)
    return found


def fold(student: Student) -> dict[str, NDArray[np.float16]]:
    """Kernels and biases with BatchNorm folded in."""
    kept: dict[str, NDArray[np.float64]] = {}
    with torch.no_grad():
        pairs = zip(student.convolutions, student.norms, strict=True)
        for number, (layer, norm) in enumerate(pairs):
            scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
            kernel = layer.weight * scale[:, None, None, None]
            kept[f"{number}.kernel"] = kernel.permute(2, 3, 1, 0).numpy()
            kept[f"{number}.bias"] = (norm.bias - norm.running_mean * scale).numpy()
        for number, view in enumerate(student.views):
            kept[f"view{number}.kernel"] = view.weight.T.numpy()
            kept[f"view{number}.bias"] = view.bias.numpy()
        kept["out.kernel"] = student.out.weight.T.numpy()
        kept["out.bias"] = student.out.bias.numpy()
    return {name: values.astype(np.float16) for name, values in kept.items()}
