"""What a training needs of the data, in one file that can be carried to a machine with a GPU.

``python -m models.build.train.pack --packed faces_128.npz faces2_128.npz --targets targets.npz
--heads heads.npy --crops lfw.npz --out lessons.npz``. Pictures stay WebP: faces that are learnt
from, with the probability of drawing each; those held out; heads; LFW's pairs.
"""

from __future__ import annotations

import argparse
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import torch
from torch import Tensor

from models.build.packed import coded, decoded
from models.build.train.masks import RIM

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from models.build.packed import Coded, Pixels

QUALITY = 78  # of what was not WebP yet


def _webp(pictures: Iterable[Pixels]) -> list[Coded]:
    """Return RGB pictures as WebP."""
    quality = [cv2.IMWRITE_WEBP_QUALITY, QUALITY]
    return [
        cv2.imencode(".webp", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), quality)[1]
        for picture in pictures
    ]


def _joined(name: str, pictures: Sequence[Coded]) -> dict[str, NDArray[np.generic]]:
    offsets = np.cumsum([0, *map(len, pictures)])
    return {name: np.concatenate(pictures), f"{name}_offsets": offsets}


def _pictures(archive: Mapping[str, NDArray[np.uint8]], name: str) -> Tensor:
    """Return RGB pictures ``(n, 3, h, w)``, uint8, with the channels last in memory."""
    stored = np.split(archive[name], archive[f"{name}_offsets"][1:-1])
    with ThreadPoolExecutor() as pool:
        return torch.from_numpy(np.stack(list(pool.map(decoded, stored)))).permute(0, 3, 1, 2)


@dataclass(frozen=True)
class Data:
    """The packed data, decoded; pictures are ``(n, 3, h, w)``, uint8.

    ``faces`` and ``heads`` are stored crops of 128 pixels, ``held_out`` and ``pairs`` templates of
    112. ``axes`` ``(1024, 256)`` bring both teachers' joined vectors to the student's numbers.
    """

    faces: Tensor
    share: Tensor
    heads: Tensor
    held_out: Tensor
    crops: Tensor
    axes: Tensor
    pairs: NDArray[np.int64]
    names: NDArray[np.str_]

    @classmethod
    def read(cls, path: Path, device: torch.device) -> Data:
        """Decode the pictures and bring them to the device."""
        with np.load(path) as archive:
            stored = dict(archive)
        pictures = {n: _pictures(stored, n) for n in ("faces", "heads", "held_out", "crops")}
        numbers = {n: torch.from_numpy(stored[n]).float() for n in ("share", "axes")}
        moved = {name: value.to(device) for name, value in {**pictures, **numbers}.items()}
        return cls(**moved, pairs=stored["pairs"], names=stored["names"])


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m models.build.train.pack")
    parser.add_argument("--packed", type=Path, nargs="+", required=True)
    for name in ("targets", "heads", "crops", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    options = parser.parse_args()
    faces = [face for path in options.packed for face in coded(path)]
    with np.load(options.targets) as archive:
        share, axes, held_out = archive["share"], archive["axes"], archive["held_out"]
    with np.load(options.crops) as archive:
        crops, pairs, names = archive["crops"], archive["pairs"], archive["names"]
    learnt = np.flatnonzero(share)
    bare = [decoded(faces[i])[RIM:-RIM, RIM:-RIM] for i in held_out]
    np.savez(
        options.out,
        **_joined("faces", [faces[i] for i in learnt]),
        **_joined("held_out", _webp(bare)),
        **_joined("heads", _webp(np.load(options.heads, mmap_mode="r"))),
        **_joined("crops", _webp(crops)),
        share=share[learnt],
        axes=axes.astype(np.float16),
        pairs=pairs,
        names=names,
    )


if __name__ == "__main__":
    main()
