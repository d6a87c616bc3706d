"""Two views of every composed face for the student: as the teachers see it, and on a bad day.

The second is covered in part, blurred, badly lit, moved by the aligner's errors, or upside down;
the teachers saw it bare, and nobody's face is upside down. So the student sees through what
misleads its teachers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from models.build.train import damage, masks
from models.build.train.draws import (
    Placement,
    any_of,
    bank,
    grey,
    of_some,
    tinted,
    uniform,
    where,
)
from models.build.train.masks import RIM
from models.build.train.networks import SIZE

if TYPE_CHECKING:
    from collections.abc import Callable

    from models.build.train.compose import Material

COVERED = 0.35  # probability that a part of the face is
GREY = 0.08
OVERTURNED = 0.04
HARSH = 1.6  # light, blur and JPEG of the covered ones, as a factor

_ALIGNED = Placement(turn=3, smaller=0.96, larger=1.04, aspect=0.02, shift=1.5)
_OVERTURNED = Placement(turn=40, smaller=0.85, larger=1.15, shift=12, middle=180)


@dataclass(frozen=True)
class Views:
    """What the student sees, ``(2 n, 3, 112, 112)``; whether a view is mirrored and somebody's."""

    images: Tensor
    mirrored: Tensor
    somebody: Tensor


class Covers:
    """What covers a part of a face: masks ``(m, 1, 112, 112)`` by kind, on one device."""

    def __init__(self, material: Material) -> None:
        """Draw the masks."""
        self._material = material
        device = material.faces.device

        things = np.concatenate([masks.patch(), masks.arm(), masks.brim(), masks.scarf()])
        self._things, self._glasses, self._surgical = (
            bank(drawn, device, RIM) for drawn in (things, masks.glasses(), masks.surgical())
        )

    def _scenes(self, n: int) -> Tensor:
        return self._material.scenes(n)[:, :, RIM:-RIM, RIM:-RIM]

    def _thing(self, face: Tensor) -> Tensor:
        n = len(face)
        return face.lerp(tinted(self._scenes(n), 0.4), any_of(self._things, n))

    def _shaded(self, face: Tensor) -> Tensor:
        """Put glasses on the faces: dark or mirroring, more or less of the eyes behind them."""
        n, device = len(face), face.device
        colour = uniform(n, 0, 90, device) * uniform(n, 0.7, 1.3, device, 3)
        mirror = uniform(n, 0, 0.5, device) * uniform(n, 0, 1, device)
        lenses = colour.expand(-1, -1, SIZE, SIZE).lerp(self._scenes(n), mirror)
        return face.lerp(lenses, any_of(self._glasses, n) * uniform(n, 0.6, 1.0, device))

    def _masked(self, face: Tensor) -> Tensor:
        """Put surgical masks on the faces, most of them blue or white, with folds."""
        n, device = len(face), face.device
        kind = uniform(n, 0, 1, device)
        blue = torch.tensor([90.0, 160.0, 205.0], device=device).view(1, 3, 1, 1)
        colour = torch.where(kind < 0.5, blue, torch.full_like(blue, 225.0))
        colour = torch.where(kind > 0.75, uniform(n, 10, 235, device, 3), colour)
        colour = colour * uniform(n, 0.65, 1.1, device) * uniform(n, 0.9, 1.1, device, 3)
        folds = damage.out_of_focus(self._scenes(n), 2.5, 3.5).mean(1, keepdim=True)
        cloth = colour * (0.75 + 0.25 * folds / folds.mean((2, 3), keepdim=True).clamp(min=1.0))
        return face.lerp(cloth.clamp(0, 255), any_of(self._surgical, n))

    def put_on(self, face: Tensor) -> Tensor:
        """Return the faces, each with something before it."""
        ways: tuple[Callable[[Tensor], Tensor], ...] = (self._thing, self._shaded, self._masked)
        return damage.one_of(face, ways)


def views(faces: Tensor, covers: Covers) -> Views:
    """Return two views of faces ``(n, 3, 112, 112)``: first all as they are, then all bad ones."""
    n, device = len(faces), faces.device
    covered = torch.rand(n, device=device) < COVERED
    overturned = torch.rand(n, device=device) < OVERTURNED
    bad = _ALIGNED(faces)
    bad = where(~covered, bad, lambda some: damage.worn(some, 1.0))
    bad = where(covered, bad, lambda some: damage.worn(covers.put_on(some), HARSH))
    bad = of_some(bad, GREY, grey)
    bad = where(overturned, bad, _OVERTURNED)
    mirrored = torch.rand(2 * n, device=device) < 0.5
    images = torch.cat([faces, bad])
    images = torch.where(mirrored[:, None, None, None], images.flip(3), images)
    return Views(images, mirrored, torch.cat([torch.ones_like(overturned), ~overturned]))
