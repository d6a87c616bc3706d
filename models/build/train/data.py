"""Training views: random similarity warps and light of the aligned faces, the same for both nets.

The faces are decoded once into one array of uint8, 128x128 RGB; the centre 112x112 is the ArcFace
template, the margin is what shifts and rotations reach into.
"""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass
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

    shift: float = 4.0  # pixels
    scale: float = 0.06  # fraction
    aspect: float = 0.04  # fraction; other proportions are, to the teacher, other people
    rotation: float = 6.0  # degrees
    contrast: float = 0.3
    brightness: float = 25.0  # grey levels
    grey: float = 0.1  # probability
    blur: float = 0.15  # probability
    mix: float = 0.3  # probability that two faces are blended into a third


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


def _warp(image: Images, rng: np.random.Generator, a: Augmentation) -> Images:
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
    matrix = np.column_stack([linear, offset])
    return cv2.warpAffine(  # type: ignore[return-value]
        image, matrix, (VIEW, VIEW), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )


def _relight(view: Images, rng: np.random.Generator, a: Augmentation) -> Images:
    if rng.random() < a.blur:
        if rng.random() < 0.5:
            view = cv2.GaussianBlur(view, (0, 0), rng.uniform(0.5, 1.5))  # type: ignore[assignment]
        else:
            small = int(VIEW * rng.uniform(0.35, 0.8))
            view = cv2.resize(view, (small, small), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
            view = cv2.resize(view, (VIEW, VIEW), interpolation=cv2.INTER_LINEAR)  # type: ignore[assignment]
    if rng.random() < a.grey:
        view = cv2.cvtColor(cv2.cvtColor(view, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)  # type: ignore[assignment]
    gain = 1.0 + rng.uniform(-a.contrast, a.contrast)
    light = rng.uniform(-a.brightness, a.brightness) + 127.5 * (1.0 - gain)
    table = np.clip(np.arange(256) * gain + light, 0, 255).astype(np.uint8)
    return cv2.LUT(view, table)  # type: ignore[return-value]


def views(
    images: Images, indices: NDArray[np.int64], rng: np.random.Generator, a: Augmentation
) -> Images:
    """Return one ``(n, 113, 113, 3)`` random view each of the chosen images."""
    out = np.empty((len(indices), VIEW, VIEW, 3), np.uint8)
    for i, index in enumerate(indices):
        out[i] = _relight(_warp(images[index], rng, a), rng, a)
    for i in np.flatnonzero(rng.random(len(indices)) < a.mix):
        share = rng.uniform(0.3, 0.7)
        other = out[(i + 1) % len(out)]
        out[i] = cv2.addWeighted(out[i], share, other, 1.0 - share, 0.0)
    return out


def plain_views(images: Images) -> Images:
    """Return the unchanged ``(n, 113, 113, 3)`` centre of stored crops."""
    start = (STORED - SIZE) // 2
    return images[:, start - TEACHER_SHIFT : start + SIZE, start - TEACHER_SHIFT : start + SIZE]


def split(view: Tensor) -> tuple[Tensor, Tensor]:
    """Return the teacher's and the student's 112x112 part of 113x113 views."""
    return view[:, :, :SIZE, :SIZE], view[:, :, TEACHER_SHIFT:, TEACHER_SHIFT:]


def write_atomically(path: Path, payload: bytes) -> None:
    """Replace ``path`` so that a kill or a power cut leaves the old file or the new one."""
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as file:
        file.write(payload)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
