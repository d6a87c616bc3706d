"""Faces to learn from: public collections, photographs of real people, frames of films.

Each is kept as a picture of up to six face boxes and the box in it. Labels are those of the
collections. They are split by where they come from, never at random: crops of one place, and often
of one film, say nothing of another.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.evaluate.clips import film, read_clips
from edge.records import Box, Frame
from edge.vision.faces.detector import Detector
from edge.vision.models.entries import DetectorEntry
from edge.vision.models.manifest import read_manifest
from edge.vision.models.model import Model
from edge.vision.models.runtimes import choose
from models.build import hashes, images
from models.build.packed import packed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from models.build.images import Pixels

REACH = 3.0
"""Boxes on each side of the middle that are kept."""
FACE_PX = 96
"""Larger faces are kept at this size."""
EVERY = 6  # of UTKFace
BORDER = 40  # pixels around a picture of UTKFace, so that the detector sees a whole face
A_SECOND, MOST = 2, 40  # frames of a film
TIGHT = {"BalveerSinghYT", "KevinDepedri", "PhooPyae", "thanglong2000pro", "ydf1014"}
"""Sources of pad2 that publish faces without much around them."""
SET_ASIDE = ("AshishBhatnagar022", "KevinDepedri", "ShubhamLala", "WOLF-huo")
"""Chosen before anything was trained and looked at once, at the end."""
FOLDS = (
    ("AngelinaShoiliRozario", "pourfard", "NUAA", "Manikantha-M", "lestari15"),
    ("VinayBR03", "BalveerSinghYT", "AksultanMukhanbet", "Apfol", "vladmandic"),
    (
        "trainingdata",
        "Trainingdata-datamarket",
        "thanglong2000pro",
        "jtboing",
        "TrickyF0x",
        "juan-csv",
    ),
    (
        "ydf1014",
        "PhooPyae",
        "songuyenerza",
        "Krzysiek354",
        "VishalkrishnaBlaze",
        "tranvanluyt2203",
        "zeusees",
        "shibinsp",
        "kby-ai",
        "KhanhNGit",
    ),
)
"""Whole sources, held out together; people and films that are not named here by a hash."""
HELD = 2
"""The fold that the first student learns without."""


@dataclass(frozen=True, slots=True)
class Label:
    """What is known of a face."""

    attack: bool
    source: str
    person: str
    kind: str
    """`pad2`, `pad`, `lfw`, `utk` or `film`."""
    film: str = ""
    made: bool = False
    """Cut, degraded, or put on a screen or paper by program."""

    @property
    def whole(self) -> bool:
        """Whether its surroundings are there, as a camera at a door sees them."""
        return self.kind == "film" or (self.kind == "pad2" and self.source not in TIGHT)

    @property
    def fold(self) -> int:
        """Number of the fold that it is in; -1: it is set aside."""
        if self.source in SET_ASIDE:
            return -1
        for number, sources in enumerate(FOLDS):
            if self.source in sources:
                return number
        key = self.person if self.kind in {"lfw", "utk"} else self.source
        return zlib.crc32(key.encode()) % len(FOLDS)


@dataclass(frozen=True, slots=True)
class Face:
    """One picture of one face."""

    content: NDArray[np.uint8]
    """WebP."""
    box: Box
    label: Label

    @property
    def pixels(self) -> Pixels:
        """RGB."""
        bgr = cv2.imdecode(self.content, cv2.IMREAD_COLOR)
        return np.ascontiguousarray(bgr[:, :, ::-1], np.uint8)


def faces(folder: Path) -> Iterator[Face]:
    """All of them, from the data folder."""
    yield from _pad2(folder / "pad2" / "pad2_faces.npz")
    yield from _pad(folder / "pad_faces.npz")
    find = _Finder()
    for path in sorted((folder / "lfw_view1_test" / "images").glob("*/*.jpg")):
        picture = images.read(path)
        if (box := find(picture)) is not None:
            yield _face(
                picture, box, Label(attack=False, source="LFW", person=path.parent.name, kind="lfw")
            )
    photographs = islice(packed(folder / "faces_128.npz"), None, None, EVERY)
    for number, picture in enumerate(photographs):
        sides = (BORDER, BORDER, BORDER, BORDER)
        box = find(cv2.copyMakeBorder(picture, *sides, cv2.BORDER_REPLICATE))
        if box is not None:
            box = Box(box.left - BORDER, box.top - BORDER, box.width, box.height)
            yield _face(
                picture, box, Label(attack=False, source="UTK", person=f"utk{number}", kind="utk")
            )
    for name in ("clips", "pad2"):
        yield from _films(folder / name / "clips.csv", find)


def _pad2(path: Path) -> Iterator[Face]:
    with np.load(path) as file:
        labels = {key: file[key] for key in ("attack", "source", "person", "valid", "box")}
    for number, picture in enumerate(packed(path)):
        side = picture.shape[0]
        left, top, right, bottom = np.round(labels["valid"][number] * side).astype(int)
        x, y, end, _ = labels["box"][number] * side
        label = Label(
            bool(labels["attack"][number]),
            str(labels["source"][number]),
            str(labels["person"][number]),
            "pad2",
        )
        place = Box(x - left, y - top, end - x, end - x)
        yield _face(picture[top:bottom, left:right], place, label)


def _pad(path: Path) -> Iterator[Face]:
    with np.load(path) as file:
        attack, source, person = (file[key] for key in ("attack", "source", "person"))
    for number, picture in enumerate(packed(path)):
        side = picture.shape[0] / 2.2
        edge = (picture.shape[0] - side) / 2
        box = Box(edge, edge, side, side)
        label = Label(bool(attack[number]), str(source[number]), str(person[number]), "pad")
        yield _face(picture, box, label)


def _films(path: Path, find: _Finder) -> Iterator[Face]:
    for clip in read_clips(path):
        every, found = max(1, round(clip.fps / A_SECOND)), 0
        for picture in islice(film(clip), None, None, every):
            if found == MOST:
                break
            if (box := find(picture)) is not None:
                found += 1
                label = Label(not clip.genuine, clip.source, clip.person, "film", clip.path.name)
                yield _face(picture, box, label)


class _Finder:
    """The product's own way to a face: a square around the largest one."""

    def __init__(self) -> None:
        entry = read_manifest(hashes.MODELS).entry(DetectorEntry)
        self._detector = Detector(Model(entry, choose("auto"), 1))

    def __call__(self, picture: Pixels) -> Box | None:
        found = self._detector.detect(Frame(picture, 0.0, 0))
        if not found:
            return None
        box = max((face.box for face in found), key=lambda box: box.width)
        side, (x, y) = max(box.width, box.height), box.centre
        return Box(x - side / 2, y - side / 2, side, side)


def _face(picture: Pixels, box: Box, label: Label) -> Face:
    height, width = picture.shape[:2]
    (x, y), reach = box.centre, REACH * box.width
    left, top = (max(0, int(value - reach)) for value in (x, y))
    kept = picture[top : min(height, int(y + reach)), left : min(width, int(x + reach))]
    scale = min(1.0, FACE_PX / box.width)
    if scale < 1:
        kept = cv2.resize(kept, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    bgr = np.ascontiguousarray(kept[:, :, ::-1])
    content = cv2.imencode(".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, 95])[1].ravel()
    side = scale * box.width
    place = Box(scale * (box.left - left), scale * (box.top - top), side, side)
    return Face(content, place, label)
