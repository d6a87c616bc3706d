"""Crops changed at will: the teacher is asked about what came out, so nothing has to stay true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

UNTOUCHED = 0.3
"""Share of a batch that is only mirrored, half of the time."""


def altered(crops: Tensor, random: np.random.Generator) -> Tensor:
    """Moved, lit, blurred, noisy, and mixed with each other: `(n, 3, side, side)`, 0-1."""
    count = len(crops)
    mirrored = torch.from_numpy(random.random(count) < 0.5)
    crops = torch.where(mirrored[:, None, None, None], crops.flip(-1), crops)
    kept = round(UNTOUCHED * count)
    order = torch.from_numpy(random.permutation(count))
    plain, changed = crops[order[:kept]], crops[order[kept:]]
    return torch.cat([plain, _noisy(_mixed(_lit(_moved(changed, random), random), random), random)])


def _moved(crops: Tensor, random: np.random.Generator) -> Tensor:
    """Nearer or farther, aside, turned a little."""
    count = len(crops)
    zoom, angle = random.uniform(0.4, 1.15, count), random.normal(0, 0.2, count)
    place = torch.zeros(count, 2, 3)
    cosine, sine = torch.from_numpy(zoom) * torch.cos(t := torch.from_numpy(angle)), torch.sin(t)
    sine = torch.from_numpy(zoom) * sine
    place[:, 0, 0], place[:, 0, 1], place[:, 1, 0], place[:, 1, 1] = cosine, -sine, sine, cosine
    place[:, :, 2] = torch.from_numpy(random.normal(0, 0.2, (count, 2)))
    grid = functional.affine_grid(place, list(crops.shape), align_corners=False)
    return functional.grid_sample(crops, grid, padding_mode="reflection", align_corners=False)


def _lit(crops: Tensor, random: np.random.Generator) -> Tensor:
    def each(low: float, high: float, channels: int = 1) -> Tensor:
        values = random.uniform(low, high, (len(crops), channels, 1, 1))
        return torch.from_numpy(values).float()

    cast = torch.eye(3) + torch.from_numpy(random.normal(0, 0.08, (len(crops), 3, 3))).float()
    crops = torch.einsum("nij,njhw->nihw", cast, crops)
    grey = crops.mean(1, keepdim=True)
    crops = grey + (crops - grey) * each(0.2, 1.5)
    crops = crops * each(0.55, 1.4) * each(0.85, 1.15, 3) + each(-0.12, 0.12)
    return crops.clamp(0, 1) ** each(0.7, 1.5)


def _mixed(crops: Tensor, random: np.random.Generator) -> Tensor:
    """A third see through each other, a third have a piece of another put in."""
    count, side = len(crops), crops.shape[-1]
    others = crops[torch.from_numpy(random.permutation(count))]
    mixed = crops.clone()
    for number in range(count):
        way = random.random()
        if way < 1 / 3:
            mixed[number] = torch.lerp(crops[number], others[number], random.uniform(0.1, 0.5))
        elif way < 2 / 3:
            (left, top), (width, height) = random.integers(0, side, 2), random.integers(8, side, 2)
            piece = (slice(None), slice(top, top + height), slice(left, left + width))
            mixed[number][piece] = others[number][piece]
    return mixed


def _noisy(crops: Tensor, random: np.random.Generator) -> Tensor:
    blurred = functional.avg_pool2d(crops, 3, 1, 1, count_include_pad=False)
    soft = torch.from_numpy(random.uniform(-0.8, 1, (len(crops), 1, 1, 1))).float()
    # Below 0 sharper, above 0 softer.
    crops = torch.lerp(crops, blurred, soft)
    strong = torch.from_numpy(random.uniform(0, 0.03, (len(crops), 1, 1, 1))).float()
    return (crops + torch.randn_like(crops) * strong).clamp(0, 1)
