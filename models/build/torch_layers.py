"""What the liveness networks share while they are trained: layers, ranges, BatchNorm folded in."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import numpy as np
    from numpy.typing import NDArray


class Layer(nn.Module):
    """Convolution and BatchNorm, and what bends their values or nothing after them."""

    BEND: ClassVar[type[nn.Module]]

    def __init__(
        self, before: int, after: int, size: int, stride: int = 1, groups: int = 1, *, bent: bool
    ) -> None:
        super().__init__()
        # Of a strided layer too: the cells have to lie where the teacher's do. A kernel larger
        # than 3x3 sums the last map, all of it.
        edge = size // 2 if size <= 3 else 0
        self.kernel = nn.Conv2d(before, after, size, stride, edge, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(after)
        self.bend = self.BEND() if bent else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        """`(n, before, h, w)` to `(n, after, h / stride, w / stride)`."""
        return self.bend(self.norm(self.kernel(x)))


def folded(kernel: nn.Conv2d, norm: nn.BatchNorm2d) -> tuple[NDArray[np.float64], ...]:
    """One kernel, as TensorFlow has it, and bias, with BatchNorm in them."""
    scale = norm.weight / torch.sqrt(norm.running_var + norm.eps)
    weights = (kernel.weight * scale[:, None, None, None]).permute(2, 3, 1, 0)
    # TensorFlow's depthwise kernels are (h, w, channels, 1).
    whole = weights.transpose(2, 3) if kernel.groups > 1 else weights
    return whole.numpy(), (norm.bias - norm.running_mean * scale).numpy()


def all_folded(layers: Mapping[str, Layer]) -> dict[str, NDArray[np.float64]]:
    """The kernels and biases of layers, by `NAME.kernel` and `NAME.bias`."""
    kept: dict[str, NDArray[np.float64]] = {}
    for name, layer in layers.items():
        kept[f"{name}.kernel"], kept[f"{name}.bias"] = folded(layer.kernel, layer.norm)
    return kept


def ranges_of(
    student: nn.Module, tapped: Mapping[str, nn.Module], crops: Tensor
) -> dict[str, tuple[float, float]]:
    """Of what these parts give for some crops, by name, and of the crops themselves."""
    found = {"image": (0.0, 1.0)}

    def note(name: str) -> Callable[[nn.Module, object, Tensor], None]:
        def hook(_module: nn.Module, _given: object, values: Tensor) -> None:
            low, high = found.get(name, (0.0, 0.0))
            found[name] = min(low, values.min().item()), max(high, values.max().item())

        return hook

    handles = [part.register_forward_hook(note(name)) for name, part in tapped.items()]
    with torch.no_grad():
        student(crops)
    for handle in handles:
        handle.remove()
    return found
