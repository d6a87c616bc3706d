"""The two networks that the eyelid network learns from, and what they say of a face's eyes.

One follows the eye's contour (Ablavatski et al. 2020, arXiv:2006.11341) in a crop of 64x64, 2.3
times as wide as the eye. Of its 71 contour points, 0 is the outer and 8 the inner corner, 1-7
follow the lower lid and 9-15 the upper one, both from outside to inside. The other one, our own,
says of a small patch whether the eye in it is shut.
"""

from __future__ import annotations

import math
from statistics import fmean
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.vision.liveness.eyelids import squares
from edge.vision.models.entries import Entry, InputSpec
from edge.vision.models.model import Model
from models.build import hashes
from models.build.eyelids.shape import PATCH
from models.build.recipes import RECIPES

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from edge.records import Frame, Landmarks
    from models.build.images import Pixels

    Floats = NDArray[np.float32]

POINTS = 71
OUTER, INNER = 0, 8
# The middle five pairs: near the corners the lids meet, open or closed.
LOWER_LID, UPPER_LID = slice(2, 7), slice(10, 15)
CROP = 2.3
"""Side of the contour's crop, in distances between the eye's corners."""


class Teachers:
    """Both, on both eyes of a face."""

    def __init__(self, folder: Path) -> None:
        """Make their files in a folder."""
        self._contour = _made(folder, "iris-float16", 64, (2, 3 * POINTS))
        self._shut = _made(folder, "shut-eye-float16", 24, (2, 1))

    def answers(self, frame: Frame, landmarks: Landmarks) -> Floats:
        """Opening and log-odds of being shut, of the right and the left eye `(2, 2)`."""
        size = self._contour.size[0]
        eyes = [square.crop(frame.pixels, size) for square in squares(landmarks, CROP)]
        contours = self._contour.run(*eyes)["answer"].reshape(2, POINTS, 3)
        shut = self._shut.run(*[self._patch(eye) for eye in eyes])["answer"]
        openings = [opening(contour[:, :2]) for contour in contours]
        return np.column_stack([openings, shut.ravel()]).astype(np.float32)

    def _patch(self, eye: Pixels) -> Pixels:
        margin = round(len(eye) * (1 - PATCH / CROP) / 2)
        inner = eye[margin : len(eye) - margin, margin : len(eye) - margin]
        patch = cv2.resize(inner, self._shut.size, interpolation=cv2.INTER_AREA)
        return np.asarray(patch, np.uint8)


def _made(folder: Path, name: str, size: int, shape: tuple[int, ...]) -> Model[Entry]:
    path = folder / f"{name}.tflite"
    if not path.exists():
        path.write_bytes(RECIPES[name]())
    entry = Entry(
        name=name,
        path=path,
        sha256=hashes.sha256(path),
        precision="float16",
        licence="",
        source="models/build/recipes.py",
        input=InputSpec(width=size, height=size, std=255.0, pictures=2),
        tensors={"answer": shape},
    )
    return Model(entry)


def opening(contour: Floats) -> float:
    """Height over width of one eye from its contour `(71, 2)`, in any scale."""
    height = fmean(map(math.dist, contour[UPPER_LID].tolist(), contour[LOWER_LID].tolist()))
    return height / max(math.dist(contour[OUTER].tolist(), contour[INNER].tolist()), 1e-6)
