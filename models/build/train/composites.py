"""Faces that nobody has, for the teachers to judge: set into other heads, mixed, bent.

``python -m models.build.train.composites --faces faces.npy --targets targets.npz --heads heads.npy
--count 25600 --out more.npy`` writes the faces and so many composites behind them. The teachers see
each as it is; so the student learns what they make of hair, of backgrounds and of faces between two
faces, of which there are more than of people. Faces that the targets leave out take no part.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from models.build.train import data, masks
from models.build.train.masks import STORED

TRANSPLANT = 0.62  # probability that the face is set into another head
SCENE = 0.08  # probability that it is set into an unrelated picture
MIX = 0.4  # probability that two faces become one
BLEND = 0.5  # of these that one shines through the other; else they meet at a line
BEND = 0.08  # how far proportions stray: to the teachers another person


def composite(
    face: data.Images, other: data.Images, around: data.Around, rng: np.random.Generator
) -> data.Images:
    """Return one more face ``(128, 128, 3)`` made of two."""
    if rng.random() < MIX:
        if rng.random() < BLEND:
            share = rng.uniform(0.3, 0.7)
            face = cv2.addWeighted(face, share, other, 1 - share, 0.0)
        else:
            face = data.blend(face, other, data.any_of(masks.half_planes(), rng))
    face = around.set_somewhere(face, rng, TRANSPLANT, SCENE)
    bend = cv2.getRotationMatrix2D((63.5, 63.5), rng.uniform(-4, 4), rng.uniform(0.95, 1.06))
    bend[:, 0] *= 1 + rng.uniform(-BEND, BEND) * (rng.random() < 0.5)
    bend[:, 2] += np.full(2, 63.5) - bend @ (63.5, 63.5, 1) + rng.uniform(-2, 2, 2)
    return cv2.warpAffine(face, bend, (STORED, STORED), borderMode=cv2.BORDER_REFLECT)


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m models.build.train.composites")
    for name in ("faces", "heads", "targets", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--count", type=int, default=25_600)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    faces = np.load(options.faces, mmap_mode="r")
    with np.load(options.targets) as archive:
        share = archive["share"].astype(np.float64)
    rng = np.random.default_rng(options.seed)
    pairs = rng.choice(len(share), (options.count, 2), p=share / share.sum())
    around = data.Around.of(faces, share, np.load(options.heads))
    shape = (len(faces) + options.count, STORED, STORED, 3)
    out = np.lib.format.open_memmap(options.out, "w+", np.uint8, shape)
    out[: len(faces)] = faces
    for i, (one, other) in enumerate(track(pairs), len(faces)):
        out[i] = composite(faces[one], faces[other], around, rng)
    out.flush()


if __name__ == "__main__":
    main()
