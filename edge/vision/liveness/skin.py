"""Does the skin of a face look like a picture of skin? A small network on the face and the head.

A screen's raster, the dots and the sheen of paper, flattened light and blurred pores are there
however close the camera is, where a bezel is not. It is shown the crops as if the skin had the
colour that skin mostly has: its teachers learnt from faces, and know least of grey ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from edge.vision.liveness.limits import SKIN_EXCUSES
from edge.vision.liveness.network import Network
from edge.vision.liveness.views import skin_light
from edge.vision.models.entries import SkinEntry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.records import Pixels


class Skin(Network):
    """See above."""

    name, entry = "skin", SkinEntry

    @staticmethod
    @override
    def light(squares: Sequence[Pixels]) -> Pixels:
        """See `Network`."""
        return skin_light(squares)

    @staticmethod
    @override
    def weighed(odds: float) -> float:
        """See `Network`."""
        return max(odds, SKIN_EXCUSES * odds)
