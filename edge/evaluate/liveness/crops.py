"""Stored face crops, judged by the passive checks alone.

A file is a NumPy archive of pictures (`data` and `offsets`: picture i is the bytes between two
offsets, in any format that OpenCV reads), with `attack` 0 or 1 and `source`. `box` (left, top,
right, bottom in sides of the picture) says where the face is and `valid` which part is picture, the
rest being made-up border; without them the picture is a square of `PLAIN` face boxes.

Single pictures are harder than films: the product averages two seconds. Crops of one film are not
independent, so the intervals are narrower than the truth.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, BinaryIO
from zipfile import BadZipFile, is_zipfile

import cv2
import numpy as np

from edge.config.seeing import Level
from edge.errors import UsageError, reason_of
from edge.evaluate.intervals import Share
from edge.held import open_ordinary
from edge.records import Box, Face, Frame
from edge.vision.liveness.checks import opinions_of
from edge.vision.liveness.limits import DOUBT_ABOVE
from edge.vision.liveness.views import View
from edge.vision.models.manifest import read_manifest
from edge.vision.models.runtimes import choose
from edge.vision.stages import Stages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from edge.config import Config

PLAIN = 2.2
"""Side of a crop that says nothing of its box, in face boxes."""
_NEEDED = ("data", "offsets", "attack", "source")


@dataclass(frozen=True, slots=True, eq=False)
class CropRates:
    """Of the crops of one source, or of all."""

    odds: NDArray[np.float64]
    """Log-odds of an attack."""
    attack: NDArray[np.bool_]

    @property
    def apcer(self) -> Share:
        """Attacks against which nothing speaks."""
        return self._share(self.odds <= DOUBT_ABOVE, self.attack)

    @property
    def bpcer(self) -> Share:
        """Living faces that are doubted."""
        return self._share(self.odds > DOUBT_ABOVE, ~self.attack)

    @property
    def auc(self) -> float | None:
        """Chance that an attack is doubted more than a living face; None: there are not both."""
        living, attacks = np.sort(self.odds[~self.attack]), self.odds[self.attack]
        if not (living.size and attacks.size):
            return None
        below = living.searchsorted(attacks, "left") + living.searchsorted(attacks, "right")
        return float(below.mean() / (2 * living.size))

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {"auc": self.auc, "apcer": self.apcer.as_dict(), "bpcer": self.bpcer.as_dict()}

    @staticmethod
    def _share(wrong: NDArray[np.bool_], of: NDArray[np.bool_]) -> Share:
        return Share(int((wrong & of).sum()), int(of.sum()))


@dataclass(frozen=True, slots=True, eq=False)
class CropReport:
    """What the passive checks make of one file."""

    all: CropRates
    by_source: dict[str, CropRates]

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        sources = {name: rates.as_dict() for name, rates in self.by_source.items()}
        return {"crops": len(self.all.odds), **self.all.as_dict(), "by_source": sources}


def evaluate_crops(
    path: Path,
    config: Config,
    advance: Callable[[int, int], None] = lambda _done, _total: None,
) -> CropReport:
    """Show every crop of a file to the passive checks.

    Args:
        path: the file.
        config: which models.
        advance: called with the number of crops done, and of all.

    Raises:
        UsageError: the file cannot be read, or is of another layout.
        ModelError: a model is missing, altered or of the wrong shape.
    """
    liveness = config.liveness.model_copy(update={"level": Level.AUTO})
    config = config.model_copy(update={"liveness": liveness})
    manifest = read_manifest(config.models_folder)
    checks = Stages.checks_of(config, manifest, choose(config.models.runtime))
    archive = _read(path)
    odds = []
    for frame, face in _faces(archive, path):
        view = View(frame, face)
        odds.append(sum(opinion.against for opinion in opinions_of(checks, view)))
        advance(len(odds), len(archive["attack"]))
    scores, attack = np.array(odds, np.float64), archive["attack"].astype(bool)
    source = archive["source"].astype(str)
    return CropReport(
        CropRates(scores, attack),
        {
            str(name): CropRates(scores[source == name], attack[source == name])
            for name in np.unique(source)
        },
    )


def _arrays(file: BinaryIO) -> dict[str, NDArray[np.generic]]:
    if not is_zipfile(file):
        raise ValueError("it is no NumPy archive (.npz)")
    file.seek(0)
    stored = np.load(file, allow_pickle=False)
    return {name: stored[name] for name in stored.files}


def _read(path: Path) -> dict[str, NDArray[np.generic]]:
    try:
        with os.fdopen(open_ordinary(path), "rb") as file:
            archive = _arrays(file)
    except (OSError, ValueError, BadZipFile) as error:
        raise UsageError(f"the crops {path} cannot be read: {reason_of(error)}") from error
    missing = [name for name in _NEEDED if name not in archive]
    if missing:
        raise UsageError(f"{path} has no array called {', '.join(missing)}.")
    count = archive["attack"].size
    shapes: dict[str, tuple[int, ...]] = {
        "attack": (count,),
        "source": (count,),
        "offsets": (count + 1,),
    }
    shapes |= {name: (count, 4) for name in ("box", "valid") if name in archive}
    if not count or any(archive[name].shape != shape for name, shape in shapes.items()):
        raise UsageError(
            f"{path} does not have as many offsets, labels, sources and boxes as crops."
        )
    if not np.issubdtype(archive["offsets"].dtype, np.integer):
        raise UsageError(f"the offsets of {path} are no whole numbers.")
    return archive


def _faces(archive: dict[str, NDArray[np.generic]], path: Path) -> Iterator[tuple[Frame, Face]]:
    for number, (begin, end) in enumerate(pairwise(archive["offsets"])):
        encoded = archive["data"][begin:end]
        bgr = cv2.imdecode(encoded, cv2.IMREAD_COLOR) if encoded.size else None
        if bgr is None:
            raise UsageError(f"crop {number} of {path} is no picture that OpenCV reads.")
        height, width = bgr.shape[:2]
        edge = (1 - 1 / PLAIN) / 2
        place = archive["box"][number] if "box" in archive else (edge, edge, 1 - edge, 1 - edge)
        valid = np.array(archive["valid"][number] if "valid" in archive else (0, 0, 1, 1))
        if not (np.isfinite(place).all() and (valid >= 0).all() and (valid <= 1).all()):
            raise UsageError(f"`box` or `valid` of crop {number} of {path} is none.")
        sides = np.array([width, height, width, height])
        left, top, right, bottom = np.round(valid * sides).astype(int).tolist()
        if left >= right or top >= bottom:
            raise UsageError(f"`valid` of crop {number} of {path} leaves nothing of it.")
        x, y, to_x, to_y = (np.array(place) * sides).tolist()
        box = Box(x - left, y - top, to_x - x, to_y - y)
        pixels = cv2.cvtColor(bgr[top:bottom, left:right], cv2.COLOR_BGR2RGB)
        yield Frame(pixels, 0.0, number), Face(box, np.empty((0, 2), np.float32), 1.0)
