"""How many faces of a group picture are found, on pictures composed of portraits.

`python -m tests.faces.groups --images FOLDER`, a folder of NAME/PICTURE as LFW has them. Each
person appears in a picture once, cut out with a soft edge, before a smooth coloured noise. The
parts that `edge.vision.parts` looks at were chosen on people from A to J: `--people a-j`.
"""

from __future__ import annotations

import argparse
import random
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.config import Config
from edge.faces import FaceReader
from edge.records import Box
from edge.vision.pictures import read_image
from edge.vision.still import still

if TYPE_CHECKING:
    from edge.records import Floats, Pixels

SIZES = {
    "8 of 60 to 100 px in 1600x1067": (1600, 1067, 8, 60, 100),
    "20 of 60 to 120 px in 3000x2000": (3000, 2000, 20, 60, 120),
    "4 of 48 to 80 px in 800x600": (800, 600, 4, 48, 80),
    "12 of 80 to 300 px in 4000x3000": (4000, 3000, 12, 80, 300),
    "6 of 40 to 60 px in 1200x1600": (1200, 1600, 6, 40, 60),
}
"""Width, height, faces, their narrowest and widest."""
SAME = 0.4
"""Overlap of two boxes of one face."""


@dataclass(frozen=True)
class Sitter:
    """A portrait, and its face in it."""

    pixels: Pixels
    box: Box


def sitters(reader: FaceReader, folder: Path, letters: str) -> list[Sitter]:
    """One picture of each person whose name begins with one of these, if it shows one face."""
    first, last = letters.split("-")
    found = []
    for person in sorted(folder.iterdir()):
        if first <= person.name[0].lower() <= last:
            pixels = read_image(min(person.iterdir()))
            looks = reader.looks(pixels)
            if len(looks) == 1:
                found.append(Sitter(pixels, looks[0].face.box))
    return found


def composed(
    rng: random.Random, people: list[Sitter], size: tuple[int, int, int, int, int]
) -> tuple[Pixels, list[Box]]:
    """A group picture, and where its faces are."""
    width, height, count, narrowest, widest = size
    noise = np.random.default_rng(rng.randrange(2**30))
    rough = noise.normal(120, 40, (height // 64, width // 64, 3)).astype(np.float32)
    canvas = cv2.resize(rough, (width, height), interpolation=cv2.INTER_CUBIC)
    canvas += noise.normal(0, 3, canvas.shape)
    boxes: list[Box] = []
    pool = rng.sample(people, len(people))
    for _ in range(50 * count):
        wide = rng.uniform(narrowest, widest)
        sitter = pool[-1]
        zoom = wide / sitter.box.width
        side = round(zoom * max(sitter.pixels.shape[:2]))
        if len(boxes) == count or side >= min(width, height):
            continue
        left, top = rng.randrange(width - side), rng.randrange(height - side)
        x, y = left + zoom * sitter.box.left, top + zoom * sitter.box.top
        box = Box(x, y, wide, zoom * sitter.box.height)
        if any(_near(box, other) for other in boxes):
            continue
        _paste(canvas[top : top + side, left : left + side], pool.pop(), side, zoom)
        boxes.append(box)
    return np.clip(canvas, 0, 255).astype(np.uint8), boxes


def _near(one: Box, other: Box) -> bool:
    reach = (one.width + other.width, one.height + other.height)
    (x, y), (u, v) = one.centre, other.centre
    return abs(x - u) < 0.85 * reach[0] and abs(y - v) < 1.0 * reach[1]


def _paste(canvas: Floats, sitter: Sitter, side: int, zoom: float) -> None:
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
    portrait = cv2.resize(sitter.pixels, (side, side), interpolation=how)
    y, x = np.mgrid[0:side, 0:side]
    u, v = (zoom * middle for middle in sitter.box.centre)
    box = sitter.box
    away = np.hypot((x - u) / (0.95 * zoom * box.width), (y - v) / (1.15 * zoom * box.height))
    share = np.clip((1.15 - away) / 0.3, 0, 1)[..., None]
    canvas[:] = canvas * (1 - share) + portrait * share


def main() -> None:
    """Print a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=Path, required=True)
    parser.add_argument("--people", default="k-z")
    parser.add_argument("--pictures", type=int, default=8, help="of each size")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    reader = FaceReader(Config())
    people, rng = sitters(reader, given.images, given.people), random.Random(given.seed)
    for name, size in SIZES.items():
        found = there = others = 0
        spent = []
        for _ in range(given.pictures):
            picture, boxes = composed(rng, people, size)
            begin = time.process_time()
            seen = [look.face.box for look in reader.looks(picture)]
            spent.append(time.process_time() - begin)
            there += len(boxes)
            found += sum(any(box.iou(one) > SAME for one in seen) for box in boxes)
            others += sum(all(box.iou(one) <= SAME for box in boxes) for one in seen)
        alone = time.process_time()
        reader.stages.detector.detect(still(picture))
        alone = time.process_time() - alone
        print(
            f"{name}: {found} of {there} found, {others} besides; "
            f"{1e3 * np.median(spent):.0f} ms of processor time, one look {1e3 * alone:.0f} ms"
        )


if __name__ == "__main__":
    main()
