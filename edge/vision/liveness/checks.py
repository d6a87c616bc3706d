"""Passive checks: what speaks against a picture without anything being asked of the person.

A check looks at a few frames a second and says how likely it finds an attack. One may excuse what
another suspects; none of them, nor all together, prove life. To add one, write its class and put it
into `CHECKS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.records import Opinion
from edge.vision.liveness.askew import Askew
from edge.vision.liveness.bands import Bands
from edge.vision.liveness.recapture import Recapture
from edge.vision.liveness.second import SecondCamera
from edge.vision.liveness.skin import Skin
from edge.vision.liveness.surroundings import Surroundings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.vision.liveness.check import Check
    from edge.vision.liveness.views import View

CHECKS: tuple[type[Check], ...] = (Recapture, Surroundings, Skin, Askew, Bands, SecondCamera)
"""All of them; each is made with a function that loads its model."""


def opinions_of(checks: Sequence[Check], view: View) -> tuple[Opinion, ...]:
    """What each says of one face."""
    # First every picture, then every network: one leaves nothing of the frame in the caches.
    answers = [check.look(view) for check in checks]
    return tuple(Opinion(check.name, say()) for check, say in zip(checks, answers, strict=True))
