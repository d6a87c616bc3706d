"""Does what is around a face look like the edge of a screen or a print? A small network of its own.

It was taught by one public network, block by block, and by no label. Of places that it has not seen
it tells more than `Recapture`, of faces with nothing around them less, so that it is asked only
where there is something around the face (`models/cards/surroundings.md`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.config.seeing import Level
from edge.vision.liveness.limits import ROOM
from edge.vision.liveness.views import views_of
from edge.vision.models.entries import SurroundingsEntry

if TYPE_CHECKING:
    from edge.config import Config
    from edge.records import Box, Face, Frame, Pixels
    from edge.vision.liveness.check import Load


class Surroundings:
    """Looks at single frames."""

    name = "surroundings"

    def __init__(self, load: Load) -> None:
        """Load the network.

        Raises:
            ModelError: its file is missing, altered or of the wrong shape.
        """
        self._model = load(SurroundingsEntry)
        self._scale = self._model.entry.output.crop_scale

    @classmethod
    def wanted(cls, config: Config) -> bool:
        """See `Check`."""
        return config.liveness.level is Level.AUTO

    def look(self, frame: Frame, face: Face) -> float:
        """See `Check`; 0 where the frame has no room around the face."""
        height, width = frame.pixels.shape[:2]
        if min(height, width) < ROOM * max(face.box.width, face.box.height):
            return 0.0
        return self.score(frame.pixels, face.box)

    def score(self, pixels: Pixels, box: Box) -> float:
        """Log-odds of an attack by one picture: RGB, and a face's box in it."""
        (crop,) = views_of(pixels, box, [self._scale], self._model.size[0])
        return float(self._model.run(crop)["attack"].item())
