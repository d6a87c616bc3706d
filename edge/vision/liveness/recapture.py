"""Does a face look filmed off a screen or a print? A small network on the face and what is around.

A bezel, a hand, the seam between picture and room are seen in wide crops; raster and print dots in
the face itself. The crops follow Silent-Face-Anti-Spoofing (Minivision 2020), whose networks ours
was distilled from: squares of some face boxes, shrunk and pushed inside where the frame ends, so
that no made-up border tells anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from edge.config.sections import Level
from edge.vision.liveness.limits import GREY_FROM
from edge.vision.models.entries import RecaptureEntry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.config import Config
    from edge.records import Box, Face, Frame, Pixels
    from edge.vision.liveness.check import Load

_LEVELS = np.arange(256)[np.newaxis, :, np.newaxis]


class Recapture:
    """Looks at single frames."""

    name = "recapture"

    def __init__(self, load: Load) -> None:
        """Load the network.

        Raises:
            ModelError: its file is missing, altered or of the wrong shape.
        """
        self._model = load(RecaptureEntry)
        self._scales = self._model.entry.output.crop_scales

    @classmethod
    def wanted(cls, config: Config) -> bool:
        """See `Check`."""
        return config.liveness.level is Level.AUTO

    def look(self, frame: Frame, face: Face) -> float:
        """See `Check`."""
        return self.score(frame.pixels, face.box)

    def score(self, pixels: Pixels, box: Box) -> float:
        """Log-odds of an attack by one picture: RGB, and a face's box in it."""
        size = self._model.size[0]
        views = [around(pixels, box, scale, size) for scale in self._scales]
        return max(self._against(views), self._against(in_grey_light(views)) - GREY_FROM)

    def _against(self, views: Sequence[Pixels]) -> float:
        return float(self._model.run(*views)["attack"].item())


def in_grey_light(views: Sequence[Pixels]) -> list[Pixels]:
    """A face's crops, the widest last, as they would be where the light is grey.

    Else a screen that is set a little warmer than the room passes for a face: of one film 6 % more
    red and 8 % less blue were enough. The light is the mean of what is seen (Buchsbaum 1980, "A
    spatial processor model for object colour perception").
    """
    light = np.asarray(cv2.mean(views[-1])[:3])
    gain = light.mean() / np.maximum(light, 1.0)
    table = np.clip(_LEVELS * gain, 0, 255).astype(np.uint8)
    return [np.asarray(cv2.LUT(view, table), np.uint8) for view in views]


def around(pixels: Pixels, box: Box, scale: float, size: int) -> Pixels:
    """A square of `scale` face boxes around a face, as `(size, size, 3)`.

    Where it leaves the picture it is shrunk to fit and pushed inside.
    """
    height, width = pixels.shape[:2]
    side = min(scale * max(box.width, box.height), height, width)
    x, y = box.centre
    left = round(min(max(x - side / 2, 0.0), width - side))
    top = round(min(max(y - side / 2, 0.0), height - side))
    whole = max(1, round(side))
    crop = pixels[top : top + whole, left : left + whole]
    way = cv2.INTER_AREA if whole > size else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(crop, (size, size), interpolation=way), np.uint8)
