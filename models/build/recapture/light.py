"""Faces in coloured light: what is told of a face must not hang on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from edge.vision.liveness.views import SKIN

if TYPE_CHECKING:
    from collections.abc import Sequence

STRONG = (0.0, 0.15, 0.35)
"""A light's red, green and blue differ by these deviations (natural logarithm), each as often."""
DIM = (0.45, 1.1)
TWO_LIGHTS = 0.4
"""Share of the faces of which a part is in another light than the rest, as a screen in a room."""
REACH = (0.5, 1.8)
"""Of that part on each side of the face's middle, in face boxes."""
MIDDLE = 0.75
"""Side of the middle of a face, in face boxes, by which its skin is told."""
COLOUR = (0.0, 0.5, 1.0, 1.0, 1.0, 1.3)
"""How much of its colour a picture keeps, each as often."""


def in_coloured_light(
    views: Tensor, scales: Sequence[float], random: np.random.Generator
) -> Tensor:
    """Faces in other lights.

    Args:
        views: crops of faces, `(n, scales, 3, side, side)`, 0-1.
        scales: sides of the crops in face boxes.
        random: draws them.
    """
    count = len(views)
    within = torch.stack([_part(scales, views.shape[-1], random) for _ in range(count)])
    one, other = (views * _light(count, random) for _ in range(2))
    lit = torch.lerp(one, other, within)
    grey = lit.mean(2, keepdim=True)
    kept = torch.from_numpy(random.choice(COLOUR, (count, 1, 1, 1, 1))).float()
    return (grey + (lit - grey) * kept).clamp(0, 1)


def in_grey_light(views: Tensor) -> Tensor:
    """As the product does it: see `edge.vision.liveness.views`."""
    light = views[:, -1:].mean((3, 4), keepdim=True).clamp(min=1 / 255)
    return (views * light.mean(2, keepdim=True) / light).clamp(0, 1)


def in_skin_light(crops: Tensor, scale: float) -> Tensor:
    """Likewise, of crops of one scale, `(n, 3, side, side)`."""
    side = crops.shape[-1]
    edge = round(side * (0.5 - MIDDLE / 2 / scale))
    middle = crops[..., edge : side - edge, edge : side - edge]
    skin = middle.mean((2, 3), keepdim=True).clamp(min=1 / 255)
    wanted = torch.tensor(SKIN)[:, None, None] * skin.mean(1, keepdim=True)
    return (crops * wanted / skin).clamp(0, 1)


def _light(count: int, random: np.random.Generator) -> Tensor:
    """Its colour and how bright it is, `(n, 1, 3, 1, 1)`."""
    colour = np.exp(random.normal(0, 1, (count, 3)) * random.choice(STRONG, (count, 1)))
    colour *= random.uniform(*DIM, (count, 1)) / colour.mean(1, keepdims=True)
    return torch.from_numpy(colour)[:, None, :, None, None].float()


def _part(scales: Sequence[float], side: int, random: np.random.Generator) -> Tensor:
    """1 where the other light is, `(scales, 1, side, side)`."""
    if random.random() >= TWO_LIGHTS:
        return torch.zeros(len(scales), 1, side, side)
    left, right, top, bottom = random.uniform(*REACH, 4)
    masks = []
    for scale in scales:
        line = torch.linspace(-scale / 2, scale / 2, side)
        across, down = (line > -left) & (line < right), (line > -top) & (line < bottom)
        masks.append((down[:, None] & across[None, :])[None].float())
    return torch.stack(masks)
