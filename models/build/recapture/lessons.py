"""All that is learnt from, gathered once and kept in a folder of one's own."""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.build import images
from models.build.recapture import data, pool
from models.build.recapture.data import HELD, Label

if TYPE_CHECKING:
    from numpy.typing import NDArray

SAMPLES, SEED = 24_000, 11
MADE = 0.6
"""Share of what is drawn that is made; the rest are faces as they are."""


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """Faces as they are, and samples made of them."""

    labels: list[Label]
    crops: tuple[NDArray[np.uint8], ...]
    """For each teacher `(n, side, side, 3)`, RGB."""

    @property
    def attack(self) -> NDArray[np.bool_]:
        """Of all."""
        return np.array([label.attack for label in self.labels])

    @property
    def unseen(self) -> NDArray[np.bool_]:
        """Faces as they are, of sources that are set aside or held out."""
        return np.array([label.fold in {-1, HELD} and not label.made for label in self.labels])


class Drawing:
    """Which samples may be learnt from, and how often each is drawn."""

    def __init__(self, lessons: Lessons, *, everything: bool, lfw: float = 1.0) -> None:
        """All of them, or nothing of what is set aside or held out.

        Args:
            lessons: the samples.
            everything: all of them.
            lfw: how many times as often as others LFW is drawn, which the teachers take for
                recaptured in every third picture.
        """
        labels = lessons.labels
        made = np.array([label.made for label in labels])
        allowed = np.array([everything or label.fold not in {-1, HELD} for label in labels])
        drawn = pool.weights(labels) * allowed
        drawn[np.array([label.kind == "lfw" for label in labels]) & ~made] *= lfw
        shares = np.where(made, MADE / drawn[made].sum(), (1 - MADE) / drawn[~made].sum())
        self._drawn = drawn * shares

    def __call__(self, random: np.random.Generator, count: int) -> NDArray[np.int64]:
        """So many numbers of samples, rising."""
        return np.sort(random.choice(len(self._drawn), count, p=self._drawn))


def options(program: str) -> argparse.ArgumentParser:
    """What whoever trains on them says: `--data`, `--teachers`, `--work`."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}")
    parser.add_argument("--data", type=Path, default=images.DATA, help="the data folder")
    parser.add_argument(
        "--teachers", type=Path, default=images.DATA.parent / "models" / "pad_teacher"
    )
    parser.add_argument("--work", type=Path, required=True, help="folder for what is done")
    return parser


def gather(folder: Path, kept: Path) -> Lessons:
    """From the data folder; what is in `kept` already is taken from there."""
    listed = kept / "labels.json"
    paths = [kept / f"crops{number}.npy" for number in range(len(pool.SIZES))]
    if not listed.exists():
        kept.mkdir(parents=True, exist_ok=True)
        faces = list(data.faces(folder))
        count = len(faces) + SAMPLES
        print(f"{len(faces)} faces", flush=True)
        arrays = [np.empty((count, size, size, 3), np.uint8) for size in pool.SIZES]
        labels: list[Label] = []
        plain = ((face.label, pool.crops_of(face.pixels, face.box)) for face in faces)
        for label, crops in chain(plain, pool.samples(faces, SAMPLES, SEED)):
            for array, crop in zip(arrays, crops, strict=True):
                array[len(labels)] = crop
            labels.append(label)
        for path, array in zip(paths, arrays, strict=True):
            np.save(path, array)
        listed.write_text(json.dumps([asdict(label) for label in labels]))
    read = [Label(**fields) for fields in json.loads(listed.read_text())]
    return Lessons(read, tuple(np.load(path, mmap_mode="r") for path in paths))
