"""Training views: random similarity warps, surroundings, light and covers of the aligned faces.

The teachers saw every face once, bare; the student sees it moved, badly lit, blurred, small, in
other surroundings, and a share of the views veiled: sunglasses, a brim, an arm, a scarf or a
surgical mask. So it learns to see through what misleads its teachers.

The faces are one array of uint8, 128x128 RGB; the centre 112x112 is the ArcFace template, the
margin is what shifts and rotations reach into.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import cv2
import numpy as np
import torch
from torch import Tensor

from models.build.train import masks
from models.build.train.masks import STORED
from models.build.train.networks import SIZE

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Images = NDArray[np.uint8]
    T = TypeVar("T", np.uint8, np.float32)

PICTURES = 4000
BACKDROP = 0.5  # probability that a head, hair and all, stands before an unrelated picture
TINT = 0.12  # how far the colours of surroundings stray, as a fraction


@dataclass(frozen=True)
class Augmentation:
    """How far a view may stray from the stored crop."""

    shift: float  # pixels
    scale: float  # fraction
    aspect: float  # fraction; other proportions are, to the teachers, other people
    rotation: float  # degrees
    contrast: float
    gamma: float  # largest logarithm to base 2
    brightness: float  # grey levels
    grey: float  # probability
    blur: float  # probability of one of: out of focus, moved, few pixels
    jpeg: float  # probability of JPEG's blocks
    noise: float  # probability of the sensor's noise
    occlusion: float  # probability that a patch of something else covers a part
    transplant: float  # probability that the face is set into another head
    scene: float  # probability that it is set into an unrelated picture
    veiled: float  # probability of glasses, a hat, an arm, a scarf or a mask, in harsher light
    nobody: float  # probability of an upside-down face, which is to be nobody's
    harsh: float  # how much more light, grey, blur and JPEG the veiled ones get

    def harsher(self) -> Augmentation:
        """Return the same with more light, grey, blur and JPEG: what the veiled ones get."""
        more = ("contrast", "brightness", "grey", "blur", "jpeg")
        return replace(self, **{name: self.harsh * getattr(self, name) for name in more})


def normalise(views: Images) -> Tensor:
    """Return ``(n, h, w, 3)`` uint8 as the networks' ``(n, 3, h, w)`` bfloat16, channels last."""
    # Permuting a contiguous NHWC array is the channels-last layout: no copy.
    return ((torch.from_numpy(views).float() - 127.5) / 128.0).bfloat16().permute(0, 3, 1, 2)


def _placement(rng: np.random.Generator, a: Augmentation) -> NDArray[np.float64]:
    """Return a random similarity from a stored crop to a view."""
    angle = np.deg2rad(rng.uniform(-a.rotation, a.rotation))
    scale = 1.0 + rng.uniform(-a.scale, a.scale)
    aspect = 1.0 + rng.uniform(-a.aspect, a.aspect)
    flip = 1.0 if rng.random() < 0.5 else -1.0
    linear = scale * np.array(
        [
            [flip * aspect * np.cos(angle), -np.sin(angle)],
            [flip * aspect * np.sin(angle), np.cos(angle)],
        ]
    )
    centre = (SIZE - 1) / 2 + rng.uniform(-a.shift, a.shift, 2)
    offset = centre - linear @ np.full(2, (STORED - 1) / 2)
    return np.column_stack([linear, offset])


def _warp(image: Images, placement: NDArray[np.float64]) -> Images:
    return cv2.warpAffine(
        image, placement, (SIZE, SIZE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )


def _blurred(view: Images, rng: np.random.Generator) -> Images:
    """Return the view out of focus, moved while it was exposed, or from 24 to 80 pixels a side."""
    chance = rng.random()
    if chance < 0.25:
        return cv2.GaussianBlur(view, (0, 0), rng.uniform(0.5, 2.5))
    if chance < 0.5:
        return cv2.filter2D(view, -1, any_of(masks.motions(), rng))
    small = int(rng.integers(24, 80))
    view = cv2.resize(view, (small, small), interpolation=cv2.INTER_AREA)
    how = cv2.INTER_LINEAR if rng.random() < 0.5 else cv2.INTER_CUBIC
    return cv2.resize(view, (SIZE, SIZE), interpolation=how)


def _relight(view: Images, rng: np.random.Generator, a: Augmentation) -> Images:
    if rng.random() < a.blur:
        view = _blurred(view, rng)
    if rng.random() < a.noise:
        noise = rng.normal(0.0, rng.uniform(2, 16), view.shape).astype(np.float32)
        view = cv2.convertScaleAbs(np.maximum(view + noise, 0.0))
    if rng.random() < a.jpeg:
        _, coded = cv2.imencode(".jpg", view, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(15, 80))])
        view = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    if rng.random() < a.grey:
        view = cv2.cvtColor(cv2.cvtColor(view, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    gain = 1.0 + rng.uniform(-a.contrast, a.contrast)
    light = rng.uniform(-a.brightness, a.brightness) + 127.5 * (1.0 - gain)
    curve = 255.0 * (np.arange(256) / 255.0) ** 2.0 ** rng.uniform(-a.gamma, a.gamma)
    table = np.clip(curve * gain + light, 0, 255).astype(np.uint8)
    return cv2.LUT(view, table)


def any_of(images: NDArray[T], rng: np.random.Generator) -> NDArray[T]:
    """Return one of the images."""
    return images[rng.integers(len(images))]


def blend(one: Images, other: Images, mask: NDArray[np.float32]) -> Images:
    """Return ``one`` where the mask is 1 and ``other`` where it is 0."""
    return cv2.blendLinear(one, other, mask, 1.0 - mask)


def _tinted(image: Images, rng: np.random.Generator, strength: float) -> Images:
    return cv2.transform(image, np.diag(rng.uniform(1 - strength, 1 + strength, 3)))


@dataclass(frozen=True)
class Around:
    """What faces are set into and covered with: heads and pictures ``(n, 128, 128, 3)``."""

    heads: Images
    pictures: Images

    @classmethod
    def of(cls, faces: Images, share: NDArray[np.float64], heads: Images) -> Around:
        """Take some of the faces learnt from as pictures."""
        rng = np.random.default_rng(0)
        chosen = rng.choice(len(share), PICTURES, replace=False, p=share / share.sum())
        return cls(heads, faces[np.sort(chosen)])

    def scene(self, rng: np.random.Generator) -> Images:
        """Return some part of a picture, anyhow turned and scaled."""
        matrix = cv2.getRotationMatrix2D((64, 80), rng.uniform(0, 360), rng.uniform(0.7, 3.0))
        matrix[:, 2] += rng.uniform(-30, 30, 2)
        return cv2.warpAffine(
            any_of(self.pictures, rng), matrix, (STORED, STORED), borderMode=cv2.BORDER_REFLECT
        )

    def _head(self, rng: np.random.Generator) -> Images:
        """Return a head, bent, mirrored, made of two or before a picture: there are few."""
        head = any_of(self.heads, rng)
        if rng.random() < 0.5:
            head = blend(head, any_of(self.heads, rng), any_of(masks.half_planes(), rng))
        if rng.random() < BACKDROP:
            scene = _tinted(self.scene(rng), rng, 0.4)
            head = blend(_tinted(head, rng, TINT), scene, any_of(masks.head(), rng))
        turn = cv2.getRotationMatrix2D((64, 80), rng.uniform(-10, 10), rng.uniform(0.85, 1.2))
        if rng.random() < 0.5:
            head = cv2.flip(head, 1)
        turn[:, 2] += rng.uniform(-5, 5, 2)
        return cv2.warpAffine(head, turn, (STORED, STORED), borderMode=cv2.BORDER_REFLECT)

    def set_somewhere(
        self, face: Images, rng: np.random.Generator, transplant: float, scene: float
    ) -> Images:
        """Return the face in another head, in an unrelated picture (probabilities) or as it is."""
        chance = rng.random()
        if chance < transplant:
            return _set_into(face, self._head(rng), rng)
        if chance < transplant + scene:
            return _set_into(face, self.scene(rng), rng)
        return face


def _set_into(face: Images, around: Images, rng: np.random.Generator) -> Images:
    """Blend the oval of ``face`` into ``around``, half of the time in the light of the face."""
    gain = rng.uniform(0.75, 1.25) * rng.uniform(1 - TINT, 1 + TINT, 3)
    if rng.random() < 0.5:
        inner = (slice(50, 115), slice(40, 88))
        gain *= face[inner].mean((0, 1)) / np.maximum(around[inner].mean((0, 1)), 1.0)
    around = cv2.convertScaleAbs(around * np.clip(gain, 0.4, 2.5).astype(np.float32))
    return blend(face, around, any_of(masks.face(), rng))


def _covered(
    face: Images, covers: NDArray[np.float32], around: Around, rng: np.random.Generator
) -> Images:
    """Cover what one of the masks ``covers`` holds with a part of some picture."""
    cover = _tinted(around.scene(rng), rng, 0.4)
    return blend(cover, face, any_of(covers, rng))


def _shaded(face: Images, around: Around, rng: np.random.Generator) -> Images:
    """Put glasses on the face: dark or mirroring, more or less of the eyes behind them."""
    reflection = around.scene(rng)
    colour = np.clip(rng.uniform(0, 90) * rng.uniform(0.7, 1.3, 3), 0, 255)
    mirror = rng.uniform(0, 0.5) * rng.random()
    lenses = cv2.convertScaleAbs(reflection * mirror + colour * (1 - mirror))
    mask = any_of(masks.glasses(), rng) * np.float32(rng.uniform(0.6, 1.0))
    return blend(lenses, face, mask)


def _masked(face: Images, around: Around, rng: np.random.Generator) -> Images:
    """Put a surgical mask on the face, most often a blue or white one, with light and folds."""
    chance = rng.random()
    colour = np.array([90, 160, 205]) if chance < 0.5 else np.full(3, 225)
    if chance > 0.75:
        colour = rng.uniform(10, 235, 3)
    colour = colour * rng.uniform(0.65, 1.1) * rng.uniform(0.9, 1.1, 3)
    folds = cv2.GaussianBlur(around.scene(rng), (0, 0), 3).mean(2, keepdims=True)
    cloth = colour * (0.75 + 0.25 * folds / max(float(folds.mean()), 1.0))
    return blend(cv2.convertScaleAbs(cloth), face, any_of(masks.surgical(), rng))


def _veiled(face: Images, around: Around, rng: np.random.Generator) -> Images:
    chance = rng.random()
    if chance < 0.35:
        face = _shaded(face, around, rng)
    if 0.3 < chance < 0.5:
        face = _covered(face, masks.brim(), around, rng)
    elif 0.5 < chance < 0.62:
        face = _covered(face, masks.arm(), around, rng)
    elif 0.62 < chance < 0.7:
        face = _covered(face, masks.scarf(), around, rng)
    elif chance > 0.7:
        face = _masked(face, around, rng)
    return face


def _overturned(face: Images, rng: np.random.Generator) -> Images:
    """Return the face more or less upside down, as a camera hung the wrong way shows it."""
    turn = cv2.getRotationMatrix2D((63.5, 63.5), rng.uniform(140, 220), rng.uniform(0.85, 1.15))
    turn[:, 2] += rng.uniform(-12, 12, 2)
    return cv2.warpAffine(face, turn, (STORED, STORED), borderMode=cv2.BORDER_REFLECT)


def views(
    faces: Images,
    chosen: NDArray[np.int64],
    around: Around,
    rng: np.random.Generator,
    a: Augmentation,
) -> tuple[Images, NDArray[np.bool_]]:
    """Return a random view ``(112, 112, 3)`` of each chosen face, and which are somebody's."""
    out = np.empty((len(chosen), SIZE, SIZE, 3), np.uint8)
    somebody = rng.random(len(chosen)) >= a.nobody
    harsh = a.harsher()
    for i, which in enumerate(chosen):
        face = around.set_somewhere(faces[which], rng, a.transplant, a.scene)
        if not somebody[i]:
            face = _overturned(face, rng)
        veiled = rng.random() < a.veiled
        if veiled:
            face = _veiled(face, around, rng)
        elif rng.random() < a.occlusion:
            face = _covered(face, masks.patch(), around, rng)
        out[i] = _relight(_warp(face, _placement(rng, a)), rng, harsh if veiled else a)
    return out, somebody


def centre(images: Images) -> Images:
    """Return the 112x112 template of stored crops."""
    start = (STORED - SIZE) // 2
    return np.ascontiguousarray(images[:, start : start + SIZE, start : start + SIZE])


def write_atomically(path: Path, payload: bytes) -> None:
    """Replace ``path`` so that a kill or a power cut leaves the old file or the new one."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        file.write(payload)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
