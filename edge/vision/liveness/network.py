"""A passive check that is a small network: it looks at squares around a face, in one light."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, ClassVar

import cv2
from typing_extensions import override

from edge.vision.liveness.check import Check
from edge.vision.liveness.views import grey_light

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.records import Pixels
    from edge.vision.liveness.check import Answer, Load
    from edge.vision.liveness.views import View
    from edge.vision.models.entries import PassiveEntry


class Network(Check):
    """Looks at single frames."""

    entry: ClassVar[type[PassiveEntry]]

    @override
    def __init__(self, load: Load) -> None:
        """Load the network.

        Raises:
            ModelError: its file is missing, altered or of the wrong shape.
        """
        self._model = load(self.entry)
        self._scales = self._model.entry.output.crop_scales

    @staticmethod
    def light(squares: Sequence[Pixels]) -> Pixels:
        """What brings them to the light in which the network was taught to see faces."""
        return grey_light(squares)

    @staticmethod
    def weighed(odds: float) -> float:
        """How much of what the network says counts."""
        return odds

    @override
    def look(self, view: View) -> Answer:
        """See `Check`."""
        odds = self.odds(view)
        return lambda: self.weighed(odds())

    def odds(self, view: View) -> Answer:
        """Like `look`, and all of what the network says counts."""
        squares = view.squares(self._scales, self._model.size[0])
        light = self.light(squares)
        self._model.draw(*(partial(cv2.LUT, square, light) for square in squares))
        return lambda: float(self._model.compute()["attack"].item())
