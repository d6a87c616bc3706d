"""Does what is around a face look like the edge of a screen or a print? A small network of its own.

It was taught by one public network, block by block, and by no label. Of places that it has not seen
it tells more than `Recapture`, of faces with nothing around them less, so that it is asked only
where there is something around the face (`models/cards/surroundings.md`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.config.seeing import Level
from edge.vision.liveness.limits import ROOM
from edge.vision.liveness.views import in_grey_light
from edge.vision.models.entries import SurroundingsEntry

if TYPE_CHECKING:
    from edge.config import Config
    from edge.vision.liveness.check import Load
    from edge.vision.liveness.views import View


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

    def look(self, view: View) -> float:
        """See `Check`; 0 where the frame has no room around the face."""
        box, (height, width) = view.face.box, view.frame.pixels.shape[:2]
        if min(height, width) < ROOM * max(box.width, box.height):
            return 0.0
        return self.score(view)

    def score(self, view: View) -> float:
        """What the network says, whatever there is around the face."""
        (square,) = in_grey_light(view.squares([self._scale], self._model.size[0]))
        return float(self._model.run(square)["attack"].item())
