"""Does a face look filmed off a screen or a print? A small network on the face and what is around.

A bezel, a hand, the seam between picture and room are seen in wide crops; raster and print dots in
the face itself. The crops follow Silent-Face-Anti-Spoofing (Minivision 2020), whose networks ours
was distilled from.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.config.seeing import Level
from edge.vision.liveness.views import in_grey_light
from edge.vision.models.entries import RecaptureEntry

if TYPE_CHECKING:
    from edge.config import Config
    from edge.vision.liveness.check import Load
    from edge.vision.liveness.views import View


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

    def look(self, view: View) -> float:
        """See `Check`."""
        squares = in_grey_light(view.squares(self._scales, self._model.size[0]))
        return float(self._model.run(*squares)["attack"].item())
