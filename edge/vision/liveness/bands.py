"""Do bands of light roll over the face? Over a screen they do, which a camera sees row after row.

A screen is drawn or dimmed many times a second, and a camera that reads one row after the other
sees that as darker rows, elsewhere on each frame. Between one frame and the next a row then grows
darker or brighter from its left end to its right; what moves changes each piece of it otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from typing_extensions import override

from edge.vision.liveness.check import Check
from edge.vision.liveness.limits import BANDS_COUNT, BANDS_FULL, BANDS_MOST, BANDS_WITHIN_S
from edge.vision.liveness.views import around

if TYPE_CHECKING:
    from edge.records import Box, Floats, Frame
    from edge.vision.liveness.check import Answer
    from edge.vision.liveness.views import View

SCALE = 1.6
"""Side of the square that is looked at, in face boxes."""
SIDE, PIECES = 64, 4
"""Rows of the square, and pieces of each of them."""
SOFT = 3.0
"""Bands are broader than so many rows (a deviation); what is narrower is noise."""
DARK = 8.0
"""Grey levels added to all, so that the dark ones weigh no more than others."""


class Bands(Check):
    """Compares a frame with the one before it."""

    name = "bands"

    @override
    def look(self, view: View) -> Answer:
        """See `Check`; 0 where no frame came shortly before, or a lamp makes bands."""
        strength = None if view.flickers else strength_of(view.frame, view.before, view.face.box)
        odds = np.interp(strength or 0.0, (BANDS_COUNT, BANDS_FULL), (0.0, BANDS_MOST))
        return odds.item


def strength_of(frame: Frame, before: Frame | None, box: Box) -> float | None:
    """How strongly bands roll around a box since the frame before, if that came shortly before."""
    if before is None or frame.captured_at - before.captured_at > BANDS_WITHIN_S:
        return None
    return rolling(_light(frame, box) - _light(before, box))


def rolling(change: Floats) -> float:
    """How strongly all pieces of a row change alike.

    Args:
        change: of the logarithm of the light, `(SIDE, SIDE)`.

    Returns:
        The change's deviation over the rows as far as the pieces share it, times the share of it
        that they do.
    """
    pieces = np.median(change.reshape(SIDE, PIECES, -1), axis=2)
    pieces -= _TREND @ (_TREND.T @ pieces)  # the whole grows darker, or one end of it
    pieces = _BLUR @ pieces
    alike = pieces.T @ pieces / len(pieces)
    own = np.trace(alike) / PIECES
    shared = (alike.sum() - PIECES * own) / (PIECES * (PIECES - 1))
    return float(np.sqrt(shared) * shared / own) if shared > 0 else 0.0


def _light(frame: Frame, box: Box) -> Floats:
    """The logarithm of the green light around a face, `(SIDE, SIDE)`."""
    square = around(frame.pixels, box, SCALE, SIDE)
    return np.asarray(np.log(square[..., 1] + np.float32(DARK)), np.float32)


def _blur() -> Floats:
    """A matrix that softens over the rows, without those at the ends."""
    rows = np.arange(SIDE)
    weights = np.exp(-0.5 * ((rows[:, None] - rows[None, :]) / SOFT) ** 2)
    weights /= weights.sum(axis=1, keepdims=True)
    edge = round(3 * SOFT)
    return np.asarray(weights[edge:-edge], np.float32)


_LINE = np.linspace(-1, 1, SIDE)
_TREND = np.linalg.qr(np.stack([_LINE**power for power in range(3)], 1))[0].astype(np.float32)
_BLUR = _blur()
