"""Does what is around a face look like the edge of a screen or a print? A small network of its own.

It was taught by one public network, block by block, and by no label. Of places that it has not seen
it tells more than `Recapture`, of faces with nothing around them less, so that it is asked only
where there is something around the face (`models/cards/surroundings.md`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from edge.vision.liveness.limits import ROOM
from edge.vision.liveness.network import Network
from edge.vision.models.entries import SurroundingsEntry

if TYPE_CHECKING:
    from edge.vision.liveness.check import Answer
    from edge.vision.liveness.views import View


class Surroundings(Network):
    """See above."""

    name, entry = "surroundings", SurroundingsEntry

    @override
    def look(self, view: View) -> Answer:
        """See `Check`; 0 where the frame has no room around the face."""
        box, (height, width) = view.face.box, view.frame.pixels.shape[:2]
        if min(height, width) < ROOM * max(box.width, box.height):
            return lambda: 0.0
        return super().look(view)
