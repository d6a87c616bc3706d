"""What light, lens, sensor and compression do to pictures, for batches on any device.

Pictures are float ``(n, 3, 112, 112)``, 0 to 255.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from models.build.train import masks
from models.build.train.draws import of_some, uniform

if TYPE_CHECKING:
    from collections.abc import Callable

KERNEL = 17  # side of a blur, pixels
# JPEG's own tables (ITU-T T.81, annex K): luminance and chrominance.
LUMA = """16 11 10 16 24 40 51 61 12 12 14 19 26 58 60 55 14 13 16 24 40 57 69 56 14 17 22 29 51 87
80 62 18 22 37 56 68 109 103 77 24 35 55 64 81 104 113 92 49 64 78 87 103 121 120 101 72 92 95 98
112 100 103 99"""
CHROMA = (
    """17 18 24 47 99 99 99 99 18 21 26 66 99 99 99 99 24 26 56 99 99 99 99 99 47 66 99 99 99
99 99 99"""
    + 32 * " 99"
)


def lit(pictures: Tensor, contrast: float, gamma: float, brightness: float) -> Tensor:
    """Return the pictures in other light: three ranges, gamma's as a logarithm to base 2."""
    n, device = len(pictures), pictures.device
    curve = torch.exp2(uniform(n, -gamma, gamma, device))
    gain = uniform(n, 1 - contrast, 1 + contrast, device)
    offset = uniform(n, -brightness, brightness, device) + 127.5 * (1 - gain)
    return (255.0 * (pictures.clamp(0, 255) / 255.0) ** curve * gain + offset).clamp(0, 255)


def _convolved(pictures: Tensor, kernels: Tensor) -> Tensor:
    """Return each picture under its own kernel ``(n, 17, 17)``."""
    n, c, h, w = pictures.shape
    weight = kernels[:, None].expand(-1, c, -1, -1).reshape(n * c, 1, KERNEL, KERNEL)
    flat = functional.pad(pictures, (KERNEL // 2,) * 4, mode="reflect").reshape(
        1, n * c, h + 16, -1
    )
    return functional.conv2d(flat, weight, groups=n * c).view(n, c, h, w)


def out_of_focus(pictures: Tensor, low: float = 0.5, high: float = 2.5) -> Tensor:
    """Return the pictures under Gaussians of so many pixels."""
    device = pictures.device
    sigma = uniform(len(pictures), low, high, device)[:, 0]
    x = torch.arange(KERNEL, device=device) - KERNEL // 2
    line = torch.exp(-0.5 * (x / sigma) ** 2)
    line = line / line.sum(2, keepdim=True)
    return _convolved(pictures, line.transpose(1, 2) * line)


def moved(pictures: Tensor) -> Tensor:
    """Return the pictures as if something had moved while they were exposed."""
    drawn = torch.from_numpy(masks.motions()).to(pictures.device)
    return _convolved(pictures, drawn[torch.randint(len(drawn), (len(pictures),))])


def few_pixels(pictures: Tensor, least: int = 24, most: int = 80) -> Tensor:
    """Return the pictures as they are after having had fewer pixels; four sizes a batch."""
    parts = []
    for part in pictures.chunk(4):
        small = int(torch.randint(least, most, ()))
        few = functional.interpolate(part, size=(small, small), mode="area")
        mode = ("bilinear", "bicubic")[int(torch.randint(2, ()))]
        size = pictures.shape[2:]
        parts.append(functional.interpolate(few, size=size, mode=mode, align_corners=False))
    return torch.cat(parts).clamp(0, 255)


def noisy(pictures: Tensor) -> Tensor:
    """Return the pictures with a sensor's noise."""
    strength = uniform(len(pictures), 2, 16, pictures.device)
    return (pictures + torch.randn_like(pictures) * strength).clamp(0, 255)


@lru_cache(maxsize=4)
def _jpeg(device: torch.device) -> tuple[Tensor, Tensor, Tensor]:
    """Return the DCT ``(8, 8)``, the two tables ``(3, 1, 1, 8, 8)`` and RGB to YCbCr."""
    k = np.arange(8)
    dct = (
        np.cos((2 * k + 1) * k[:, None] * np.pi / 16)
        * np.where(k[:, None] == 0, 0.125, 0.25) ** 0.5
    )
    luma, chroma = (np.array(t.split(), np.float32).reshape(8, 8) for t in (LUMA, CHROMA))
    tables = np.stack([luma, chroma, chroma])[:, None, None]
    colours = np.array(
        [[0.299, 0.587, 0.114], [-0.168736, -0.331264, 0.5], [0.5, -0.418688, -0.081312]]
    )
    return tuple(
        torch.tensor(a, dtype=torch.float32, device=device) for a in (dct, tables, colours)
    )


def compressed(pictures: Tensor, low: float = 15, high: float = 80) -> Tensor:
    """Return the pictures after JPEG of such a quality, colours at half size."""
    n, _, h, w = pictures.shape
    dct, tables, colours = _jpeg(pictures.device)
    quality = uniform(n, low, high, pictures.device)
    scale = torch.where(quality < 50, 5000 / quality, 200 - 2 * quality) / 100
    steps = (tables[None] * scale[..., None, None]).round().clamp(1, 255)
    x = torch.einsum("ij,njhw->nihw", colours, pictures - 128.0)
    half = functional.avg_pool2d(x[:, 1:], 2)
    planes = []
    for plane, step in ((x[:, :1], steps[:, :1]), (half, steps[:, 1:])):
        blocks = plane.unflatten(3, (-1, 8)).unflatten(2, (-1, 8)).transpose(3, 4)
        coded = (dct @ blocks @ dct.T / step).round() * step
        whole = (dct.T @ coded @ dct).transpose(3, 4)
        planes.append(whole.flatten(4, 5).flatten(2, 3))
    wide = functional.interpolate(planes[1], size=(h, w), mode="bilinear", align_corners=False)
    back = torch.linalg.inv(colours)
    return (
        torch.einsum("ij,njhw->nihw", back, torch.cat([planes[0], wide], 1)).add(128).clamp(0, 255)
    )


def one_of(pictures: Tensor, changes: tuple[Callable[[Tensor], Tensor], ...]) -> Tensor:
    """Return the pictures, each changed in one of the ways."""
    order = torch.randperm(len(pictures), device=pictures.device)
    parts = [
        change(pictures[some])
        for change, some in zip(changes, order.chunk(len(changes)), strict=False)
    ]
    return torch.cat(parts)[order.argsort()]


def slight(pictures: Tensor) -> Tensor:
    """Return the pictures a little soft, small or compressed, as pictures are."""
    ways = (
        lambda some: out_of_focus(some, 0.4, 1.2),
        lambda some: few_pixels(some, 48, 100),
        lambda some: compressed(some, 40, 92),
    )
    return one_of(pictures, ways)


def blurred(pictures: Tensor) -> Tensor:
    """Return the pictures out of focus, moved, or from few pixels (half of them)."""
    return one_of(pictures, (out_of_focus, moved, few_pixels, few_pixels))


def worn(pictures: Tensor, harsh: float) -> Tensor:
    """Return the pictures blurred, noisy, compressed and badly lit, each of it by chance.

    ``harsh`` raises probabilities and light.
    """
    pictures = of_some(pictures, 0.25 * harsh, blurred)
    pictures = of_some(pictures, 0.15 * harsh, noisy)
    pictures = of_some(pictures, 0.2 * harsh, compressed)
    return lit(pictures, 0.3 * harsh, 0.5 * harsh, 25 * harsh)
