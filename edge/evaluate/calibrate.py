"""Thresholds at stated false-match rates, and what can be claimed for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.access.calibration import Calibration, Curve, Point
from edge.errors import CalibrationError
from edge.evaluate.stats import fmr_upper, tail_threshold

if TYPE_CHECKING:
    from edge.evaluate.stats import Impostors

RATES = (0.05, 0.02, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6, 1e-6, 1e-7, 1e-8)
_ENOUGH = 30
"""Errors that make a counted rate worth stating: the rule of 30 (+-30 % at 90 % confidence)."""
_FEWEST_PAIRS = 3000


@dataclass(frozen=True, slots=True)
class Claim:
    """What the number of impostor pairs allows to be said (ISO/IEC 19795-1)."""

    pairs: int

    @property
    def rule_of_3(self) -> float:
        """No error in so many independent pairs would mean, at 95 %, a rate no higher."""
        return 3 / self.pairs

    @property
    def counted_down_to(self) -> float:
        """The smallest rate at which at least 30 errors were counted."""
        return _ENOUGH / self.pairs


def calibrate(impostors: Impostors, model: str, made_from: str) -> Calibration:
    """Operating points for `RATES`: counted as far as there are errors to count, then fitted.

    Args:
        impostors: Of single images, as the daemon compares them.
        model: SHA-256 of the embedder.
        made_from: Which faces, in a sentence.

    Raises:
        CalibrationError: too few pairs.
    """
    if len(impostors) < _FEWEST_PAIRS:
        raise CalibrationError(
            f"{len(impostors)} impostor pairs are too few to calibrate: at least {_FEWEST_PAIRS} "
            "are needed, from some 80 people or more."
        )
    counted = Claim(len(impostors)).counted_down_to
    thresholds = [
        impostors.threshold(rate) if rate >= counted else tail_threshold(impostors, rate)
        for rate in RATES
    ]
    uppers = fmr_upper(impostors, thresholds)
    points: list[Point] = []
    for rate, upper, threshold in zip(RATES, uppers, thresholds, strict=True):
        if not points or points[-1].threshold < threshold < 1:
            rounded = round(threshold, 5)
            points.append(
                Point(rate, float(f"{max(rate, upper):.4g}"), rounded, extrapolated=rate < counted)
            )
    return Calibration(model, Curve(tuple(points)), len(impostors), made_from)
