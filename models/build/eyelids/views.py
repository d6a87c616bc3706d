"""An eye as another camera would have shown it: turned, shifted, in other light and blurred."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from models.build.eyelids.shape import SIZE

TURN, SHIFT, SCALING = 0.15, 2.5, (0.86, 1.16)
"""The mesh is off by so much: radians, pixels, shares."""


def seen(kept: Tensor) -> Tensor:
    """Crops `(n, 3, 48, 48)` 0-1 out of what was kept `(n, 64, 64, 3)` uint8 of each eye."""
    return _blurred(_lit(_cut(kept.permute(0, 3, 1, 2).float() / 255))).clamp(0, 1)


def plain(kept: Tensor) -> Tensor:
    """As the product sees it: the middle."""
    margin = (kept.shape[1] - SIZE) // 2
    middle = kept[:, margin : margin + SIZE, margin : margin + SIZE]
    return middle.permute(0, 3, 1, 2).float() / 255


def _draw(eyes: Tensor, low: float, high: float) -> Tensor:
    return torch.empty(len(eyes), 1, 1, 1).uniform_(low, high)


def _some(eyes: Tensor, share: float) -> Tensor:
    return torch.rand(len(eyes)) < share


def _cut(eyes: Tensor) -> Tensor:
    count, side = len(eyes), eyes.shape[-1]
    angle = torch.empty(count).uniform_(-TURN, TURN)
    scale = torch.empty(count).uniform_(*SCALING) * SIZE / side
    shift = torch.empty(count, 2, 1).uniform_(-SHIFT, SHIFT) * 2 / side
    cos, sin = torch.cos(angle) * scale, torch.sin(angle) * scale
    turned = torch.stack([torch.stack([cos, -sin], 1), torch.stack([sin, cos], 1)], 1)
    shape = [count, 3, SIZE, SIZE]
    grid = functional.affine_grid(torch.cat([turned, shift], 2), shape, align_corners=False)
    return functional.grid_sample(eyes, grid, padding_mode="border", align_corners=False)


def _lit(eyes: Tensor) -> Tensor:
    grey = _some(eyes, 0.3)
    eyes[grey] = eyes[grey].mean(1, keepdim=True)
    mean = eyes.mean((1, 2, 3), keepdim=True)
    contrast, tint = _draw(eyes, 0.6, 1.4), torch.empty(len(eyes), 3, 1, 1).uniform_(0.9, 1.1)
    slope = torch.linspace(-1, 1, SIZE) * _draw(eyes, -0.2, 0.2)
    slope[_some(eyes, 0.4)] = 0
    return eyes * (contrast * tint) + (mean * (_draw(eyes, 0.5, 1.4) - contrast) * tint + slope)


def _blurred(eyes: Tensor) -> Tensor:
    for times, share in ((2, 0.25), (3, 0.12)):
        chosen = _some(eyes, share)
        small = functional.avg_pool2d(eyes[chosen], times)
        eyes[chosen] = functional.interpolate(small, size=SIZE, mode="bilinear")
    return eyes + torch.randn(eyes.shape, dtype=torch.bfloat16) * _draw(eyes, 0.0, 0.035)
