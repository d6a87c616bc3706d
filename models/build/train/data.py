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
from functools import lru_cache
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from torch import Tensor

from models.build.train.networks import SIZE, TEACHER_SHIFT

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Images = NDArray[np.uint8]

STORED = 128
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


@lru_cache(maxsize=1)
def _face_masks() -> NDArray[np.float32]:
    """Return soft ovals ``(24, 128, 128)`` that hold the part of a stored crop that is real.

    Above the brows and beside the cheeks most stored crops only repeat the rim of a tight photo.
    """
    return _ovals(0, (61.5, 65.5), (82, 87), (31, 40), (42, 48))


@lru_cache(maxsize=1)
def _head_masks() -> NDArray[np.float32]:
    """Return soft ovals ``(24, 128, 128)`` that hold a head with its hair."""
    return _ovals(2, (58, 69), (68, 78), (42, 58), (54, 68))


@lru_cache(maxsize=1)
def _patch_masks() -> NDArray[np.float32]:
    """Return soft ovals ``(24, 128, 128)`` of what may cover a part of a face."""
    return _ovals(3, (10, 118), (20, 125), (8, 30), (8, 30))


@lru_cache(maxsize=1)
def _arm_masks() -> NDArray[np.float32]:
    """Return soft long ovals ``(24, 128, 128)`` across a part of a face."""
    return _ovals(4, (10, 118), (30, 130), (10, 22), (60, 90), turn=90)


@lru_cache(maxsize=1)
def _brim_masks() -> NDArray[np.float32]:
    """Return soft ovals ``(24, 128, 128)`` over forehead and hair."""
    return _ovals(5, (54, 74), (-8, 6), (55, 90), (34, 52), turn=12)


@lru_cache(maxsize=1)
def _scarf_masks() -> NDArray[np.float32]:
    """Return soft ovals ``(24, 128, 128)`` over mouth and chin."""
    return _ovals(6, (54, 74), (118, 132), (40, 70), (24, 42), turn=12)


@lru_cache(maxsize=1)
def _glasses_masks() -> NDArray[np.float32]:
    """Return soft masks ``(48, 128, 128)`` of two lenses or their rims, a bridge and temples."""
    rng = np.random.default_rng(7)
    masks = np.zeros((48, STORED, STORED), np.float32)
    margin = (STORED - SIZE) / 2
    middle, eyes, apart = 55.9 + margin, 51.6 + margin, 17.6  # of ArcFace's template
    for mask in masks:
        x, y = middle + rng.uniform(-3, 3), eyes + rng.uniform(-2, 5)
        wide, high = rng.uniform(12, 17), rng.uniform(7.5, 14)
        thick = int(rng.integers(1, 4))
        level = round(y - rng.uniform(0.0, 0.7) * high)
        cv2.line(mask, (round(x) - 50, level), (round(x) + 50, level), 1.0, thick)
        fill = -1 if rng.random() < 0.7 else thick
        oval = rng.random() < 0.6
        for side in (-1, 1):
            centre = (x + side * (apart + rng.uniform(-1, 2)), y)
            if oval:
                slant = side * rng.uniform(0, 12)
                cv2.ellipse(mask, (centre, (2 * wide, 2 * high), slant), 1.0, fill)
            else:
                corner = (round(centre[0] - wide), round(y - high))
                size = (round(2 * wide), round(2 * high))
                cv2.rectangle(mask, (*corner, *size), 1.0, fill)
        cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.5, 1.5), dst=mask)
    return masks


Range = tuple[float, float]


def _ovals(
    seed: int, x: Range, y: Range, width: Range, height: Range, turn: float = 4
) -> NDArray[np.float32]:
    """Return 24 soft ovals: centres and half axes from the ranges, in pixels; degrees to +-turn."""
    rng = np.random.default_rng(seed)
    masks = np.zeros((24, STORED, STORED), np.float32)
    for mask in masks:
        centre = (rng.uniform(*x), rng.uniform(*y))
        axes = (2 * rng.uniform(*width), 2 * rng.uniform(*height))
        cv2.ellipse(mask, (centre, axes, rng.uniform(-turn, turn)), 1.0, -1)
        cv2.GaussianBlur(mask, (0, 0), rng.uniform(1.5, 5), dst=mask)
    return masks


@lru_cache(maxsize=1)
def _half_planes() -> NDArray[np.float32]:
    """Return soft masks ``(24, 128, 128)`` of one side of a line near the centre."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:STORED, :STORED] - STORED / 2
    angles = rng.uniform(0, 2 * np.pi, (24, 1, 1))
    distance = np.cos(angles) * x + np.sin(angles) * y + rng.uniform(-25, 25, (24, 1, 1))
    return (1 / (1 + np.exp(-distance / rng.uniform(1, 6, (24, 1, 1))))).astype(np.float32)


def _blend(one: Images, other: Images, mask: NDArray[np.float32]) -> Images:
    return cv2.blendLinear(one, other, mask, 1.0 - mask)


def _surroundings(
    heads: Images, faces: Images, rng: np.random.Generator, a: Augmentation
) -> Images:
    """Return a head, bent, mirrored, made of two or before another picture: there are few."""
    head = heads[rng.integers(len(heads))]
    if rng.random() < 0.5:
        other = heads[rng.integers(len(heads))]
        head = _blend(head, other, _half_planes()[rng.integers(24)])
    if rng.random() < a.backdrop:
        scene = _tinted(_scene(faces[rng.integers(len(faces))], rng), rng, 0.4)
        head = _blend(_tinted(head, rng, a.tint), scene, _head_masks()[rng.integers(24)])
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
    return _blend(face, around, _face_masks()[rng.integers(24)])


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
        return _set_into(face, _scene(faces[rng.integers(len(faces))], rng), rng, a)
    if chance < a.transplant + a.scene + a.head:
        return heads[rng.integers(len(heads))]  # type: ignore[no-any-return]
    return face


def _covered(
    face: Images, masks: NDArray[np.float32], faces: Images, rng: np.random.Generator
) -> Images:
    """Cover what one of ``masks`` holds with a part of some picture."""
    cover = _tinted(_scene(faces[rng.integers(len(faces))], rng), rng, 0.4)
    return _blend(cover, face, masks[rng.integers(len(masks))])


def _shaded(face: Images, faces: Images, rng: np.random.Generator) -> Images:
    """Put glasses on the face: dark or mirroring, more or less of the eyes behind them."""
    reflection = _scene(faces[rng.integers(len(faces))], rng)
    colour = np.clip(rng.uniform(0, 90) * rng.uniform(0.7, 1.3, 3), 0, 255)
    mirror = rng.uniform(0, 0.5) * rng.random()
    lenses = cv2.convertScaleAbs(reflection * mirror + colour * (1 - mirror))
    mask = _glasses_masks()[rng.integers(48)] * np.float32(rng.uniform(0.6, 1.0))
    return _blend(lenses, face, mask)


def _veiled(face: Images, faces: Images, rng: np.random.Generator) -> Images:
    chance = rng.random()
    if chance < 0.45:
        face = _shaded(face, faces, rng)
    if 0.35 < chance < 0.6:
        face = _covered(face, _brim_masks(), faces, rng)
    elif 0.6 < chance < 0.75:
        face = _covered(face, _arm_masks(), faces, rng)
    elif 0.75 < chance < 0.85:
        face = _covered(face, _scarf_masks(), faces, rng)
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
        face = faces[rng.integers(len(faces))]
        face = _set_somewhere(face, faces, heads, rng, a)
        if rng.random() < a.occlusion:
            face = _covered(face, _patch_masks(), faces, rng)
        bare[i] = _relight(_warp(face, _placement(rng, a)), rng, a)
    for i in np.flatnonzero(rng.random(common) < a.mix):
        share = rng.uniform(0.3, 0.7)
        other = bare[(i + 1) % common]
        bare[i] = cv2.addWeighted(bare[i], share, other, 1.0 - share, 0.0)
    shown = bare.copy()
    harsh = a.harsher()
    for i in range(common, count):
        face = _set_somewhere(faces[rng.integers(len(faces))], faces, heads, rng, a)
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
