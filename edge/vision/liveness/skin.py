"""Does the skin of a face look like a picture of skin? A small network on the face and the head.

A screen's raster, the dots and the sheen of paper, flattened light and blurred pores are there
however close the camera is, where a bezel is not. It is shown the crops as if the skin had the
colour that skin mostly has: its teachers learnt from faces, and know least of grey ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.config.seeing import Level
from edge.vision.liveness.views import in_skin_light
from edge.vision.models.entries import SkinEntry

if TYPE_CHECKING:
    from edge.config import Config
    from edge.vision.liveness.check import Load
    from edge.vision.liveness.views import View


class Skin:
    """Looks at single frames."""

    name = "skin"

    def __init__(self, load: Load) -> None:
        """Load the network.

        Raises:
            ModelError: its file is missing, altered or of the wrong shape.
        """
        self._model = load(SkinEntry)
        self._scales = self._model.entry.output.crop_scales

    @classmethod
    def wanted(cls, config: Config) -> bool:
        """See `Check`."""
        return config.liveness.level is Level.AUTO

    def look(self, view: View) -> float:
        """See `Check`; never for the face: screens that are drawn well enough have fine skin."""
        return max(0.0, self.score(view))

    def score(self, view: View) -> float:
        """What the network says."""
        squares = in_skin_light(view.squares(self._scales, self._model.size[0]))
        return float(self._model.run(*squares)["attack"].item())
