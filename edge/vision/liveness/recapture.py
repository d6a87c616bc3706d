"""Does a face look filmed off a screen or a print? A small network on the face and what is around.

A bezel, a hand, the seam between picture and room are seen in wide crops; raster and print dots in
the face itself. The crops follow Silent-Face-Anti-Spoofing (Minivision 2020), whose networks ours
was distilled from.
"""

from __future__ import annotations

from typing_extensions import override

from edge.vision.liveness.limits import RECAPTURE_COUNTS
from edge.vision.liveness.network import Network
from edge.vision.models.entries import RecaptureEntry


class Recapture(Network):
    """See above."""

    name, entry = "recapture", RecaptureEntry

    @staticmethod
    @override
    def weighed(odds: float) -> float:
        """See `Network`."""
        return RECAPTURE_COUNTS * odds
