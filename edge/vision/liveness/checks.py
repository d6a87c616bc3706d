"""Passive checks: what speaks against a picture without anything being asked of the person.

A check looks at a few frames a second and gives opinions, votes against and never for. To add one,
write its class and put it into `CHECKS`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.vision.liveness.bands import Bands
from edge.vision.liveness.recapture import Recapture
from edge.vision.liveness.second import SecondCamera
from edge.vision.liveness.skin import Skin
from edge.vision.liveness.surroundings import Surroundings

if TYPE_CHECKING:
    from edge.vision.liveness.check import Check

CHECKS: tuple[type[Check], ...] = (Recapture, Surroundings, Skin, Bands, SecondCamera)
"""All of them; each is made with a function that loads its model."""
