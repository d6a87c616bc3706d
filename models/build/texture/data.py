"""Faces to learn the texture vote from, as cues."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from edge.records import Frame
from edge.vision.faces.detector import Detector
from edge.vision.faces.landmarks import Mesh
from edge.vision.liveness.texture import middle_of
from edge.vision.models.entries import DetectorEntry, LandmarksEntry
from edge.vision.models.manifest import read_manifest
from edge.vision.models.model import Model
from models.build import hashes, images
from models.build.images import Pixels
from models.build.texture.network import SHARE, SIZE, cues

EVERY = 6  # of UTKFace
BORDER = 40  # pixels around a picture of UTKFace, so that the detector sees a whole face
BATCH = 500

Floats = NDArray[np.float32]
Names = NDArray[np.str_]


@dataclass(frozen=True, eq=False)
class Crops:
    """Faces of real people and recaptured ones, many of each from one film."""

    cues: Floats
    attack: NDArray[np.bool_]
    source: Names
    person: Names


class _Finder:
    """The product's own way to a face."""

    def __init__(self) -> None:
        manifest = read_manifest(hashes.MODELS)
        self._detector = Detector(Model(manifest.entry(DetectorEntry)))
        self._mesh = Mesh(Model(manifest.entry(LandmarksEntry)))

    def middle(self, picture: Pixels) -> Pixels | None:
        """The middle of the face nearest to the picture's; None: no face is found."""
        frame = Frame(picture, 0.0, 0)
        height, width = picture.shape[:2]
        centre = np.array([width, height]) / 2
        faces = self._detector.detect(frame)
        if not faces:
            return None
        face = min(faces, key=lambda face: float(np.abs(face.box.centre - centre).sum()))
        return middle_of(frame, self._mesh.locate(frame, face), SHARE, SIZE)


def _cues_of(pictures: Iterable[Pixels]) -> tuple[Floats, NDArray[np.intp]]:
    """Cues of the pictures that show a face, and which ones these are."""
    finder = _Finder()
    found = [(number, finder.middle(picture)) for number, picture in enumerate(pictures)]
    faces = np.stack([middle for _, middle in found if middle is not None])
    numbers = np.array([number for number, middle in found if middle is not None])
    batches = [faces[first : first + BATCH] for first in range(0, len(faces), BATCH)]
    measured = [cues(tf.constant(batch, tf.float32) / 255).numpy() for batch in batches]
    return np.concatenate(measured), numbers


def crops(folder: Path) -> Crops:
    """Real and recaptured faces of public collections."""
    path = folder / "pad_faces.npz"
    measured, kept = _cues_of(images.packed(path))
    with np.load(path) as file:
        attack, source, person = (file[key][kept] for key in ("attack", "source", "person"))
    return Crops(measured, attack.astype(bool), source, person)


def photographs(folder: Path) -> Floats:
    """People in many places and lights (UTKFace), real all of them."""

    def framed() -> Iterator[Pixels]:
        for picture in islice(images.packed(folder / "faces_128.npz"), None, None, EVERY):
            sides = (BORDER, BORDER, BORDER, BORDER)
            yield cv2.copyMakeBorder(picture, *sides, cv2.BORDER_REPLICATE)

    return _cues_of(framed())[0]


def strangers(folder: Path) -> Floats:
    """People that the vote never learns from (LFW View 1 test), real all of them."""
    paths = sorted((folder / "lfw_view1_test" / "images").glob("*/*.jpg"))
    return _cues_of(images.read(path) for path in paths)[0]
