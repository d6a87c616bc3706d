"""Faces that nobody has, made of those that we have, for the teachers to judge as they are.

36,000 faces are soon learnt by heart. Two faces mixed or in patches, bent proportions, another
head around them, other light: each is one more person or picture to the teachers, and the student
is asked to agree with them about it. So it learns what the teachers do, not what they said once.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from models.build.train import damage, masks
from models.build.train.draws import (
    Placement,
    any_of,
    bank,
    field,
    grey,
    of_some,
    sample,
    tinted,
    uniform,
)
from models.build.train.masks import STORED
from models.build.train.networks import SIZE

MIXED = 0.5  # probability that a face is made of two
BENT = 0.5  # that its proportions are
ELSEWHERE = 0.3  # that it is in another head
IN_A_PICTURE = 0.06  # that it is set into an unrelated picture
RELIT, COLOURED, GREY, WORN = 0.4, 0.3, 0.05, 0.35
BEND = 3.0  # pixels: what the knots of a bent face move by (standard deviation)
INNER = (slice(None), slice(None), slice(50, 115), slice(40, 88))  # of a stored crop: the face

_PLACED = Placement(turn=5, smaller=0.94, larger=1.07, aspect=0.07, shift=2.5)
_HEAD = Placement(turn=10, smaller=0.85, larger=1.2, aspect=0.05, shift=5)
_SCENE = Placement(turn=180, smaller=0.7, larger=3.0, shift=30)


@dataclass(frozen=True)
class Material:
    """What is composed, uint8 ``(n, 3, 128, 128)``, with the probability of drawing each face."""

    faces: Tensor
    share: Tensor
    heads: Tensor
    face_masks: Tensor
    head_masks: Tensor
    sides: Tensor

    @classmethod
    def of(cls, faces: Tensor, share: Tensor, heads: Tensor) -> Material:
        """Take faces and heads that lie on one device."""
        drawn = (masks.face(), masks.head(), masks.half_planes())
        return cls(faces, share, heads, *(bank(mask, faces.device) for mask in drawn))

    def draw(self, n: int) -> Tensor:
        """Return faces as float, the rarer ones more often."""
        return self.faces[torch.multinomial(self.share, n, replacement=True)].float()

    def scenes(self, n: int) -> Tensor:
        """Return parts of pictures, anyhow turned and scaled."""
        return _SCENE(any_of(self.faces, n))


def _light(face: Tensor, other: Tensor) -> Tensor:
    """Return what brings ``other`` to the light of ``face``, a factor a channel."""
    one, two = (each[INNER].mean((2, 3), keepdim=True) for each in (face, other))
    return (one / two.clamp(min=1.0)).clamp(0.4, 2.5)


def _mixed(face: Tensor, material: Material) -> Tensor:
    """Return the face, another one shining through it or taking its place in patches."""
    n, device = len(face), face.device
    other = material.draw(n)
    other = other * _light(face, other)
    through = uniform(n, 0.25, 0.75, device).expand(-1, 1, STORED, STORED)
    patches = torch.sigmoid(uniform(n, 2.0, 9.0, device) * field(n, 1, 4, STORED, device))
    sides = any_of(material.sides, n)
    kind = torch.randint(3, (n, 1, 1, 1), device=device)
    share = torch.where(kind == 0, through, torch.where(kind == 1, patches, sides))
    return face * share + other * (1 - share)


def _set_into(face: Tensor, around: Tensor, material: Material) -> Tensor:
    """Return the oval of the face in other surroundings, half of them in the face's light."""
    n, device = len(face), face.device
    alike = uniform(n, 0, 1, device) < 0.5
    gain = torch.where(alike, _light(face, around), torch.ones(3, 1, 1, device=device))
    around = tinted(around * gain * uniform(n, 0.75, 1.25, device), 0.12)
    mask = any_of(material.face_masks, n)
    return face * mask + around * (1 - mask)


def _in_another_head(face: Tensor, material: Material) -> Tensor:
    n = len(face)
    head = of_some(
        any_of(material.heads, n),
        0.5,
        lambda some: some.lerp(
            any_of(material.heads, len(some)), any_of(material.sides, len(some))
        ),
    )
    head = of_some(head, 0.5, lambda some: _before_a_picture(some, material))
    return _set_into(face, _HEAD(of_some(head, 0.5, lambda some: some.flip(3))), material)


def _before_a_picture(head: Tensor, material: Material) -> Tensor:
    scene = tinted(material.scenes(len(head)), 0.4)
    return scene.lerp(tinted(head, 0.12), any_of(material.head_masks, len(head)))


def _relit(face: Tensor) -> Tensor:
    """Return the face lit more from one side than from another."""
    n, device = len(face), face.device
    uneven = field(n, 1, 3, face.shape[3], device) * uniform(n, 0.05, 0.35, device)
    return face * uneven.clamp(-0.7, 0.9).add(1.0)


def compose(material: Material, n: int) -> Tensor:
    """Return ``n`` new faces ``(n, 3, 112, 112)`` on the template, as float."""
    device = material.faces.device
    face = material.draw(n)
    face = of_some(face, MIXED, lambda some: _mixed(some, material))
    face = of_some(face, ELSEWHERE, lambda some: _in_another_head(some, material))
    face = of_some(
        face, IN_A_PICTURE, lambda some: _set_into(some, material.scenes(len(some)), material)
    )
    grid = _PLACED.grid(n, SIZE, device)
    bent = (uniform(n, 0, 1, device) < BENT) * BEND * 2 / STORED
    face = sample(face, grid + (bent * field(n, 2, 5, SIZE, device)).permute(0, 2, 3, 1))
    face = of_some(face, RELIT, _relit)
    face = of_some(face, COLOURED, lambda some: tinted(some, 0.15))
    face = of_some(face, GREY, grey)
    face = of_some(face, WORN, damage.slight)
    return damage.lit(face, contrast=0.25, gamma=0.4, brightness=15).clamp(0, 255)
