"""What alignment is worth: none, five points in the plane, and the mesh turned to the front.

    python -m models.build.alignment --data ../shared/data

The third is DeepFace's step (Taigman et al. 2014): the face's own texture on a frontal mesh, here
the mean of the frontal meshes of the same pictures, triangle by triangle; what is hidden stays as
the mesh's far side shows it. FNMR at FMR 1e-3 over every pair of two people, all genuine pairs of
LFW View 1 test's pictures, by how far the face that is turned more is turned.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.config import Config
from edge.faces import FaceReader
from edge.vision.faces.aligner import ARCFACE_112, SIZE, similarity
from edge.vision.faces.geometry import Square, transform
from edge.vision.models.model import Model
from edge.vision.pictures import read_image

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from edge.records import Floats, Pixels
    from edge.vision.pipeline import Look

_FRONTAL_DEG = 8
_BINS = (0, 15, 30, 90)
_FMR = 1e-3


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--model", default="mobilefacenet-int8")
    given = parser.parse_args()
    reader = FaceReader(Config.model_validate({"models": {"embedder": given.model}}))
    paths = sorted((given.data / "lfw_view1_test/images").glob("*/*.jpg"))
    found = [(path, reader.subject(read_image(path))) for path in paths]
    looks = [(path, look) for path, look in found if look is not None]
    model = Model(reader.model.networks[0])
    front = _front([look for _, look in looks])
    triangles = _triangles(front)
    _, people = np.unique([path.parent.name for path, _ in looks], return_inverse=True)
    yaw = np.abs([look.landmarks.yaw for _, look in looks])
    ways: dict[str, Callable[[Look], Pixels]] = {
        "none (upright box)": _boxed,
        "2D, five points": lambda look: look.aligned.pixels,
        "3D, mesh to the front": lambda look: _turned(look, front, triangles),
    }
    degrees = [f"{a}-{b} degrees" for a, b in itertools.pairwise(_BINS)]
    print("alignment", *degrees, "all", sep=" | ")
    for name, way in ways.items():
        vectors = [model.run(way(look))["embedding"].ravel().copy() for _, look in looks]
        unit = [vector / np.linalg.norm(vector) for vector in vectors]
        print(name, *_fnmr(np.stack(unit), people, yaw), sep=" | ")


def _fnmr(vectors: Floats, people: NDArray[np.int64], yaw: Floats) -> list[str]:
    one, other = np.triu_indices(len(vectors), 1)
    scores, same = (vectors @ vectors.T)[one, other], people[one] == people[other]
    strangers = np.sort(scores[~same])[::-1]
    missed = scores[same] <= strangers[int(_FMR * len(strangers))]
    turned = np.maximum(yaw[one], yaw[other])[same]
    bins = [(turned >= a) & (turned < b) for a, b in itertools.pairwise(_BINS)]
    bins.append(np.ones(len(turned), bool))
    return [f"{missed[chosen].mean():.1%} of {chosen.sum()}" for chosen in bins]


def _boxed(look: Look) -> Pixels:
    """The detector's box, as it is."""
    box = look.face.box
    square = Square(*box.centre, max(box.width, box.height))
    return square.crop(look.frame.pixels, SIZE)


def _on_template(look: Look) -> Floats:
    """The mesh `(468, 2)` where it lies on ArcFace's template."""
    to_template = similarity(look.landmarks.five, ARCFACE_112)
    return transform(look.landmarks.points[:, :2], to_template)


def _front(looks: list[Look]) -> Floats:
    """The mean mesh of the faces that look straight ahead, made symmetrical by its own mirror."""
    straight = [
        _on_template(look)
        for look in looks
        if max(abs(look.landmarks.yaw), abs(look.landmarks.pitch)) < _FRONTAL_DEG
    ]
    return np.mean(straight, axis=0).astype(np.float32)


def _triangles(points: Floats) -> list[list[int]]:
    """Delaunay's, as places in the mesh."""
    plane = cv2.Subdiv2D((-SIZE, -SIZE, 3 * SIZE, 3 * SIZE))
    plane.insert([(float(x), float(y)) for x, y in points])
    corners = np.array(plane.getTriangleList(), np.float32).reshape(-1, 3, 2)
    places = [[int(((points - p) ** 2).sum(axis=1).argmin()) for p in each] for each in corners]
    near = [np.abs(points[each] - c).max() < 1 for each, c in zip(places, corners, strict=True)]
    return [each for each, good in zip(places, near, strict=True) if good]


def _turned(look: Look, front: Floats, triangles: list[list[int]]) -> Pixels:
    """The aligned face with its texture where the frontal mesh has it."""
    flat, mesh = look.aligned.pixels, _on_template(look)
    x, y = np.meshgrid(np.arange(SIZE, dtype=np.float32), np.arange(SIZE, dtype=np.float32))
    for places in triangles:
        to = front[places]
        inside = np.zeros((SIZE, SIZE), np.uint8)
        cv2.fillConvexPoly(inside, np.rint(to).astype(np.int32), 1)
        rows, columns = np.nonzero(inside)
        back = cv2.getAffineTransform(to, mesh[places])
        x[rows, columns] = back[0, 0] * columns + back[0, 1] * rows + back[0, 2]
        y[rows, columns] = back[1, 0] * columns + back[1, 1] * rows + back[1, 2]
    return cv2.remap(flat, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


if __name__ == "__main__":
    main()
