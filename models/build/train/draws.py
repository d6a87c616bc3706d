"""Random numbers, fields and placements for batches of pictures, on any device.

Pictures are float tensors ``(n, c, h, w)``, 0 to 255; ``(n, 1, 1, 1)`` numbers broadcast to them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

from models.build.train.masks import STORED

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray


def uniform(n: int, low: float, high: float, device: torch.device, channels: int = 1) -> Tensor:
    """Return ``(n, channels, 1, 1)`` numbers."""
    return low + (high - low) * torch.rand(n, channels, 1, 1, device=device)


def field(n: int, channels: int, knots: int, size: int, device: torch.device) -> Tensor:
    """Return smooth noise ``(n, channels, size, size)``: normal numbers at knots x knots."""
    coarse = torch.randn(n, channels, knots, knots, device=device)
    return functional.interpolate(coarse, size=(size, size), mode="bicubic", align_corners=True)


def where(chosen: Tensor, pictures: Tensor, change: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the pictures, those ``chosen`` changed."""
    some = chosen.nonzero()[:, 0]
    return pictures if not len(some) else pictures.index_copy(0, some, change(pictures[some]))


def of_some(pictures: Tensor, probability: float, change: Callable[[Tensor], Tensor]) -> Tensor:
    """Return the pictures, some of them changed."""
    return where(torch.rand(len(pictures), device=pictures.device) < probability, pictures, change)


def bank(drawn: NDArray[np.float32], device: torch.device, rim: int = 0) -> Tensor:
    """Return masks ``(n, s, s)`` as pictures of one channel, without so wide a rim."""
    within = slice(rim, drawn.shape[1] - rim)
    return torch.from_numpy(drawn[:, None, within, within]).to(device, torch.float16)


def any_of(images: Tensor, n: int) -> Tensor:
    """Return ``n`` of the images, as float."""
    return images[torch.randint(len(images), (n,), device=images.device)].float()


@dataclass(frozen=True)
class Placement:
    """How far pictures are turned, scaled, stretched and shifted: the ranges drawn from."""

    turn: float  # degrees to +-
    smaller: float  # factors of size, from ... to
    larger: float
    aspect: float = 0.0  # fraction to +-
    shift: float = 0.0  # pixels of a stored crop to +-
    middle: float = 0.0  # degrees about which is turned

    def grid(self, n: int, size: int, device: torch.device) -> Tensor:
        """Return where ``n`` pictures of ``size`` pixels look into stored ones: ``(n, s, s, 2)``.

        The coordinates are `grid_sample`'s: -1 to 1 over the stored crop, whose middle is kept.
        """
        angle = torch.deg2rad(self.middle + uniform(n, -self.turn, self.turn, device)[:, 0, 0, 0])
        zoom = size / STORED / uniform(n, self.smaller, self.larger, device)[:, 0, 0, 0]
        stretch = 1.0 + uniform(n, -self.aspect, self.aspect, device)[:, 0, 0, 0]
        shift = uniform(n, -1.0, 1.0, device, 2)[:, :, 0, 0] * self.shift * 2 / STORED
        c, s = zoom * angle.cos(), zoom * angle.sin()
        rows = (c * stretch, -s, shift[:, 0], s * stretch, c, shift[:, 1])
        theta = torch.stack(rows, 1).view(n, 2, 3)
        return functional.affine_grid(theta, [n, 1, size, size], align_corners=False)

    def __call__(self, pictures: Tensor) -> Tensor:
        """Return the pictures so placed, what lies beyond the rim mirrored."""
        return sample(pictures, self.grid(len(pictures), pictures.shape[3], pictures.device))


def sample(pictures: Tensor, grid: Tensor) -> Tensor:
    """Return the pictures at a grid, what lies beyond the rim mirrored."""
    return functional.grid_sample(pictures, grid, padding_mode="reflection", align_corners=False)


def tinted(pictures: Tensor, strength: float) -> Tensor:
    """Return the pictures in coloured light, each channel stronger or weaker by this fraction."""
    n, channels = pictures.shape[:2]
    return pictures * uniform(n, 1 - strength, 1 + strength, pictures.device, channels)


def grey(pictures: Tensor) -> Tensor:
    """Return the pictures without colour."""
    weights = torch.tensor([0.299, 0.587, 0.114], device=pictures.device).view(1, 3, 1, 1)
    return (pictures * weights).sum(1, keepdim=True).expand(-1, 3, -1, -1)
