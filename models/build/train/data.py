"""Training views: random similarity warps and light of the aligned faces, the same for both nets.

A share of them is veiled for the student: sunglasses, a brim, an arm or a scarf, in bad light. The
teacher sees the face bare, so the student learns to see through what misleads its teacher.

The faces are decoded once into one array of uint8, 128x128 RGB; the centre 112x112 is the ArcFace
template, the margin is what shifts and rotations reach into.
"""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import cv2
import numpy as np
import torch
from torch import Tensor

from models.build.train import masks
from models.build.train.masks import STORED
from models.build.train.networks import SIZE, TEACHER_SHIFT

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Images = NDArray[np.uint8]
    T = TypeVar("T", np.uint8, np.float32)

VIEW = SIZE + TEACHER_SHIFT


@dataclass(frozen=True)
class Augmentation:
    """How far a view may stray from the stored crop."""

    shift: float  # pixels
    scale: float  # fraction
    aspect: float  # fraction; other proportions are, to the teacher, other people
    rotation: float  # degrees
    contrast: float
    brightness: float  # grey levels
    grey: float  # probability
    blur: float  # probability
    jpeg: float  # probability of JPEG's blocks
    occlusion: float  # probability that a patch of something else covers a part
    mix: float  # probability that two faces are blended into a third
    transplant: float  # probability that the face is set into another head
    scene: float  # probability that it is set into an unrelated picture
    head: float  # probability of a head as it is
    backdrop: float  # probability that a head, hair and all, stands before an unrelated picture
    tint: float  # how far the colours of surroundings stray, as a fraction
    veiled: int  # views of a micro-batch that the teacher sees bare and the student does not
    harsh: float  # how much more light, grey, blur and JPEG the veiled ones get

    def harsher(self) -> Augmentation:
        """Return the same with more light, grey, blur and JPEG: what the veiled ones get."""
        more = ("contrast", "brightness", "grey", "blur", "jpeg")
        return replace(self, **{name: self.harsh * getattr(self, name) for name in more})


def decode(source: Path, cache: Path) -> Images:
    """Decode every WebP crop of ``source`` once; return ``(n, 128, 128, 3)`` RGB, memory-mapped."""
    if not cache.exists():
        with np.load(source) as archive:
            data, offsets = archive["data"], archive["offsets"]
        images = np.empty((len(offsets) - 1, STORED, STORED, 3), np.uint8)
        for i, (start, stop) in enumerate(itertools.pairwise(offsets)):
            cv2.cvtColor(
                cv2.imdecode(data[start:stop], cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB, dst=images[i]
            )
        partial = cache.with_suffix(".partial")
        with partial.open("wb") as file:
            np.save(file, images)
        partial.replace(cache)
    return np.load(cache, mmap_mode="r")  # type: ignore[no-any-return]


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
    # The template's centre is pixel TEACHER_SHIFT + SIZE / 2 of the view: the student's crop
    # starts one pixel after the teacher's.
    centre = TEACHER_SHIFT + (SIZE - 1) / 2 + rng.uniform(-a.shift, a.shift, 2)
    offset = centre - linear @ np.full(2, (STORED - 1) / 2)
    return np.column_stack([linear, offset])


def _warp(image: Images, placement: NDArray[np.float64]) -> Images:
    return cv2.warpAffine(  # type: ignore[return-value]
        image, placement, (VIEW, VIEW), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )


def _relight(view: Images, rng: np.random.Generator, a: Augmentation) -> Images:
    if rng.random() < a.blur:
        if rng.random() < 0.5:
            view = cv2.GaussianBlur(view, (0, 0), rng.uniform(0.5, 1.5))  # type: ignore[assignment]
        else:
            small = int(VIEW * rng.uniform(0.35, 0.8))
            view = cv2.resize(view, (small, small), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
            view = cv2.resize(view, (VIEW, VIEW), interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]
    if rng.random() < a.jpeg:
        _, coded = cv2.imencode(".jpg", view, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(20, 80))])
        view = cv2.imdecode(coded, cv2.IMREAD_COLOR)  # type: ignore[assignment]
    if rng.random() < a.grey:
        view = cv2.cvtColor(cv2.cvtColor(view, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)  # type: ignore[assignment]
    gain = 1.0 + rng.uniform(-a.contrast, a.contrast)
    light = rng.uniform(-a.brightness, a.brightness) + 127.5 * (1.0 - gain)
    table = np.clip(np.arange(256) * gain + light, 0, 255).astype(np.uint8)
    return cv2.LUT(view, table)  # type: ignore[return-value]


def _any(images: NDArray[T], rng: np.random.Generator) -> NDArray[T]:
    return images[rng.integers(len(images))]  # type: ignore[no-any-return]


def _blend(one: Images, other: Images, mask: NDArray[np.float32]) -> Images:
    return cv2.blendLinear(one, other, mask, 1.0 - mask)


def _surroundings(
    heads: Images, faces: Images, rng: np.random.Generator, a: Augmentation
) -> Images:
    """Return a head, bent, mirrored, made of two or before another picture: there are few."""
    head = _any(heads, rng)
    if rng.random() < 0.5:
        other = _any(heads, rng)
        head = _blend(head, other, _any(masks.half_planes(), rng))
    if rng.random() < a.backdrop:
        scene = _tinted(_scene(_any(faces, rng), rng), rng, 0.4)
        head = _blend(_tinted(head, rng, a.tint), scene, _any(masks.head(), rng))
    turn = cv2.getRotationMatrix2D((64, 80), rng.uniform(-10, 10), rng.uniform(0.85, 1.2))
    if rng.random() < 0.5:
        head = cv2.flip(head, 1)
    turn[:, 2] += rng.uniform(-5, 5, 2)
    return cv2.warpAffine(head, turn, (STORED, STORED), borderMode=cv2.BORDER_REFLECT)


def _tinted(image: Images, rng: np.random.Generator, strength: float) -> Images:
    return cv2.transform(image, np.diag(rng.uniform(1 - strength, 1 + strength, 3)))  # type: ignore[return-value]


def _set_into(face: Images, around: Images, rng: np.random.Generator, a: Augmentation) -> Images:
    """Blend the oval of ``face`` into ``around``, half of the time in the light of the face."""
    gain = rng.uniform(0.75, 1.25) * rng.uniform(1 - a.tint, 1 + a.tint, 3)
    if rng.random() < 0.5:
        inner = (slice(50, 115), slice(40, 88))
        gain *= face[inner].mean((0, 1)) / np.maximum(around[inner].mean((0, 1)), 1.0)
    around = cv2.convertScaleAbs(around * np.clip(gain, 0.4, 2.5).astype(np.float32))
    return _blend(face, around, _any(masks.face(), rng))


def _scene(image: Images, rng: np.random.Generator) -> Images:
    """Return some part of a picture, anyhow turned and scaled."""
    matrix = cv2.getRotationMatrix2D((64, 80), rng.uniform(0, 360), rng.uniform(0.7, 3.0))
    matrix[:, 2] += rng.uniform(-30, 30, 2)
    return cv2.warpAffine(image, matrix, (STORED, STORED), borderMode=cv2.BORDER_REFLECT)


def _set_somewhere(
    face: Images, faces: Images, heads: Images, rng: np.random.Generator, a: Augmentation
) -> Images:
    """Return the face in another head, in an unrelated picture or as it is, or else a head."""
    chance = rng.random()
    if chance < a.transplant:
        return _set_into(face, _surroundings(heads, faces, rng, a), rng, a)
    if chance < a.transplant + a.scene:
        return _set_into(face, _scene(_any(faces, rng), rng), rng, a)
    if chance < a.transplant + a.scene + a.head:
        return _any(heads, rng)
    return face


def _covered(
    face: Images, covers: NDArray[np.float32], faces: Images, rng: np.random.Generator
) -> Images:
    """Cover what one of the masks ``covers`` holds with a part of some picture."""
    cover = _tinted(_scene(_any(faces, rng), rng), rng, 0.4)
    return _blend(cover, face, _any(covers, rng))


def _shaded(face: Images, faces: Images, rng: np.random.Generator) -> Images:
    """Put glasses on the face: dark or mirroring, more or less of the eyes behind them."""
    reflection = _scene(_any(faces, rng), rng)
    colour = np.clip(rng.uniform(0, 90) * rng.uniform(0.7, 1.3, 3), 0, 255)
    mirror = rng.uniform(0, 0.5) * rng.random()
    lenses = cv2.convertScaleAbs(reflection * mirror + colour * (1 - mirror))
    mask = _any(masks.glasses(), rng) * np.float32(rng.uniform(0.6, 1.0))
    return _blend(lenses, face, mask)


def _veiled(face: Images, faces: Images, rng: np.random.Generator) -> Images:
    chance = rng.random()
    if chance < 0.45:
        face = _shaded(face, faces, rng)
    if 0.35 < chance < 0.6:
        face = _covered(face, masks.brim(), faces, rng)
    elif 0.6 < chance < 0.75:
        face = _covered(face, masks.arm(), faces, rng)
    elif 0.75 < chance < 0.85:
        face = _covered(face, masks.scarf(), faces, rng)
    return face


def views(
    faces: Images, heads: Images, count: int, rng: np.random.Generator, a: Augmentation
) -> tuple[Images, Images]:
    """Return ``(count, 113, 113, 3)`` random views: what the teacher sees and what the student.

    They differ in the last ``a.veiled``.
    """
    bare = np.empty((count, VIEW, VIEW, 3), np.uint8)
    common = count - a.veiled
    for i in range(common):
        face = _any(faces, rng)
        face = _set_somewhere(face, faces, heads, rng, a)
        if rng.random() < a.occlusion:
            face = _covered(face, masks.patch(), faces, rng)
        bare[i] = _relight(_warp(face, _placement(rng, a)), rng, a)
    for i in np.flatnonzero(rng.random(common) < a.mix):
        share = rng.uniform(0.3, 0.7)
        other = bare[(i + 1) % common]
        bare[i] = cv2.addWeighted(bare[i], share, other, 1.0 - share, 0.0)
    shown = bare.copy()
    harsh = a.harsher()
    for i in range(common, count):
        face = _set_somewhere(_any(faces, rng), faces, heads, rng, a)
        placement = _placement(rng, a)
        bare[i] = _warp(face, placement)
        shown[i] = _relight(_warp(_veiled(face, faces, rng), placement), rng, harsh)
    return bare, shown


def centre(images: Images) -> Images:
    """Return the 112x112 template of stored crops."""
    start = (STORED - SIZE) // 2
    return np.ascontiguousarray(images[:, start : start + SIZE, start : start + SIZE])


def split(bare: Tensor, shown: Tensor) -> tuple[Tensor, Tensor]:
    """Return the teacher's 112x112 part of the bare 113x113 views, the student's of the others."""
    return bare[:, :, :SIZE, :SIZE], shown[:, :, TEACHER_SHIFT:, TEACHER_SHIFT:]


def write_atomically(path: Path, payload: bytes) -> None:
    """Replace ``path`` so that a kill or a power cut leaves the old file or the new one."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        file.write(payload)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
