"""Does a face lie aside? People hold their heads upright before a door, hands a screen as it comes.

Turned upright (`views.View.roll`) a picture still is blurred and has lost its corners, and the
networks say less of it. So it counts against a face, less than any network that doubts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from typing_extensions import override

from edge.vision.liveness.check import Check
from edge.vision.liveness.limits import ASKEW

if TYPE_CHECKING:
    from edge.vision.liveness.check import Answer
    from edge.vision.liveness.views import View


class Askew(Check):
    """Needs no network."""

    name = "askew"

    @override
    def look(self, view: View) -> Answer:
        """See `Check`."""
        return lambda: ASKEW if view.roll else 0.0
