"""Aligned crops for the training, by the product's own detector, mesh and template.

``python -m models.build.train.crops heads --clips DIR --portraits pad_faces.npz --out heads.npy``
    heads with their real surroundings ``(n, 128, 128, 3)``, the template in the centre, into which
    the training sets other faces;
``python -m models.build.train.crops pairs --images DIR --pairs pairs.txt --out crops.npz``
    the 112x112 crops of labelled pairs, which the training only measures itself on.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.evaluate.pairs import read_pairs
from edge.records import Frame
from edge.vision.faces.aligner import ARCFACE_112, similarity
from edge.vision.faces.detector import Detector
from edge.vision.faces.landmarks import Mesh
from edge.vision.models.entries import DetectorEntry, LandmarksEntry
from edge.vision.models.manifest import read_manifest
from edge.vision.models.model import Model
from models.build.train.masks import STORED
from models.build.train.networks import SIZE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.records import Pixels

FRAMES_PER_CLIP = 45
PORTRAITS = 700
LONG_SIDE = 640
MIN_PRESENCE = 0.5


class Cropper:
    """Warps the face in the middle of a picture to the template, with a margin around it."""

    def __init__(self, size: int) -> None:
        manifest = read_manifest()
        self._detector = Detector(Model(manifest.entry(DetectorEntry)))
        self._mesh = Mesh(Model(manifest.entry(LandmarksEntry)))
        self._size = size
        self._template = ARCFACE_112 + (size - SIZE) / 2

    def crop(self, pixels: Pixels) -> Pixels | None:
        """Return the RGB crop, or nothing where no face is found."""
        frame = Frame(pixels, 0.0, 0)
        faces = self._detector.detect(frame)
        if not faces:
            return None
        middle = np.array(pixels.shape[1::-1]) / 2  # where a labelled picture has its subject
        face = min(faces, key=lambda face: float(np.hypot(*(face.box.centre - middle))))
        landmarks = self._mesh.locate(frame, face)
        if landmarks.presence < MIN_PRESENCE:
            return None
        matrix = similarity(landmarks.five, self._template)
        size = (self._size, self._size)
        return cv2.warpAffine(pixels, matrix, size, borderMode=cv2.BORDER_REFLECT)


def _clip_frames(path: Path) -> Iterator[Pixels]:
    """Yield about `FRAMES_PER_CLIP` frames spread over a clip."""
    clip = cv2.VideoCapture(str(path))
    every = max(1, int(clip.get(cv2.CAP_PROP_FRAME_COUNT)) // FRAMES_PER_CLIP)
    number = 0
    while clip.grab():
        if number % every == 0:
            _, image = clip.retrieve()
            scale = min(1.0, LONG_SIDE / max(image.shape[:2]))
            image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            yield cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        number += 1


def _portraits(path: Path) -> Iterator[Pixels]:
    """Yield NUAA's crops, the ones whose surroundings are a picture and not a repeated rim."""
    with np.load(path) as archive:
        data, offsets = archive["data"], archive["offsets"]
        chosen = np.flatnonzero(archive["source"] == "NUAA")
    for i in np.random.default_rng(0).permutation(chosen)[:PORTRAITS]:
        image = cv2.imdecode(data[offsets[i] : offsets[i + 1]], cv2.IMREAD_COLOR)
        yield cv2.cvtColor(cv2.resize(image, None, fx=2, fy=2), cv2.COLOR_BGR2RGB)


def heads(clips: Path, portraits: Path) -> Pixels:
    """Return every head found, ``(n, 128, 128, 3)``."""
    cropper = Cropper(STORED)
    suffixes = {".mp4", ".webm", ".mov"}
    pictures = [f for p in sorted(clips.iterdir()) if p.suffix in suffixes for f in _clip_frames(p)]
    crops = [cropper.crop(picture) for picture in [*pictures, *_portraits(portraits)]]
    return np.stack([crop for crop in crops if crop is not None])


def pairs(images: Path, listed: Path, out: Path) -> None:
    """Write the crops, index pairs and names of the listed pairs whose two faces are found."""
    cropper = Cropper(SIZE)
    kept: dict[str, Pixels] = {}
    listing = read_pairs(listed)
    for name in listing.images:
        image = cv2.imread(str(images / name))
        crop = None if image is None else cropper.crop(cv2.cvtColor(image, cv2.COLOR_BGR2RGB))
        if crop is None:
            print(f"{name}: no file or no face in it; its pairs are left out")
        else:
            kept[name] = crop
    index = {name: i for i, name in enumerate(kept)}
    scored = [
        (index[pair.one], index[pair.other], int(pair.same))
        for pair in listing.pairs
        if pair.one in kept and pair.other in kept
    ]
    np.savez(out, crops=np.stack(list(kept.values())), pairs=scored, names=list(kept))


def main() -> None:
    """Parse the command line."""
    parser = argparse.ArgumentParser(prog="python -m models.build.train.crops", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for_heads = commands.add_parser("heads")
    for_heads.add_argument("--clips", type=Path, required=True)
    for_heads.add_argument("--portraits", type=Path, required=True)
    for_pairs = commands.add_parser("pairs")
    for_pairs.add_argument("--images", type=Path, required=True)
    for_pairs.add_argument("--pairs", type=Path, required=True)
    for command in (for_heads, for_pairs):
        command.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    if options.command == "heads":
        np.save(options.out, heads(options.clips, options.portraits))
    else:
        pairs(options.images, options.pairs, options.out)


if __name__ == "__main__":
    main()
