"""Thresholds at a stated false-match rate, measured for one model.

The file, `models/calibration/<model>.json`:

    {"format": 1,
     "model_sha256": "<64 hex digits: the embedder's file>",
     "made_from": "which faces, in a sentence",
     "impostor_pairs": 1234567,
     "captures": 1,
     "points": [
       {"fmr": 0.01, "upper": 0.0103, "threshold": 0.31},
       {"fmr": 0.001, "upper": 0.0011, "threshold": 0.42},
       {"fmr": 1e-06, "upper": 1e-05, "threshold": 0.63, "extrapolated": true}]}

`points` run from the largest rate to the smallest; thresholds rise. `upper` is the end of the 95 %
confidence interval of the rate (resampled over people, not pairs). `captures` is the number of
vectors in each template that the impostors were compared with, by `matcher.similarity`: 1 when
single pictures were paired. A point beyond what was counted, from a tail fitted to the impostor
scores, says `"extrapolated": true`.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

from edge.errors import CalibrationError

_FORMAT = 1


@dataclass(frozen=True, slots=True)
class Point:
    """One operating point: similarity at or above `threshold` matches `fmr` of impostors."""

    fmr: float
    """False-match rate of one comparison."""
    upper: float
    """Upper 95 % confidence bound of that rate."""
    threshold: float
    extrapolated: bool = False
    """Not counted but taken from a fitted tail."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The operating points of one model.

    Raises:
        CalibrationError: the values do not make a calibration.
    """

    model: str
    """SHA-256 of the embedder, hex."""
    points: tuple[Point, ...]
    """From the largest rate to the smallest."""
    impostor_pairs: int
    made_from: str
    captures: int = 1
    """Vectors in each template that was compared."""

    def __post_init__(self) -> None:
        if not re.fullmatch("[0-9a-f]{64}", self.model):
            raise CalibrationError("`model_sha256` must be 64 hex digits.")
        if self.captures < 1 or self.impostor_pairs < 1:
            raise CalibrationError("`captures` and `impostor_pairs` must be 1 or more.")
        if not self.points:
            raise CalibrationError("`points` is empty.")
        for point in self.points:
            if not (0 < point.fmr <= point.upper <= 1 and -1 <= point.threshold <= 1):
                raise CalibrationError(
                    f"the point at rate {point.fmr:g}: want 0 < fmr <= upper <= 1 and a "
                    "threshold between -1 and 1."
                )
        for larger, smaller in zip(self.points, self.points[1:], strict=False):
            if smaller.fmr >= larger.fmr or smaller.threshold <= larger.threshold:
                raise CalibrationError(
                    f"after the rate {larger.fmr:g} the next must be smaller, and its threshold "
                    "higher."
                )

    def at(self, fmr: float) -> Point:
        """The operating point for a rate: linear in log10(rate) between its neighbours.

        A rate above the largest one measured gets that one's threshold, which is stricter.

        Raises:
            CalibrationError: the rate is below all that was measured.
        """
        if fmr >= self.points[0].fmr:
            return self.points[0]
        for larger, smaller in zip(self.points, self.points[1:], strict=False):
            if fmr >= smaller.fmr:
                return _between(larger, smaller, fmr)
        raise CalibrationError(
            f"A false-match rate of {fmr:.2g} for one comparison is below what this model was "
            f"measured for ({self.points[-1].fmr:.2g}, {self.impostor_pairs} impostor pairs). "
            "Raise match.false_match_rate, have people make a claim, or calibrate with more faces."
        )

    def threshold_for(self, fmr: float) -> float:
        """The similarity from which on a comparison matches. Raises as `at` does."""
        return self.at(fmr).threshold

    def require(self, model: str) -> None:
        """Refuse to judge another model's vectors.

        Raises:
            CalibrationError: `model` (SHA-256) is not the one this was measured for.
        """
        if model != self.model:
            raise CalibrationError(
                f"The calibration was made for the model {self.model[:12]}, and the embedder in "
                f"use is {model[:12]}. Run `edge-door calibrate`, or set match.calibration."
            )


def from_json(text: str, origin: str) -> Calibration:
    """Read a calibration; `origin` names the file in messages.

    Raises:
        CalibrationError: it is not JSON, of another format, or its values make no sense.
    """
    try:
        return _calibration(json.loads(text))
    except CalibrationError as error:
        raise CalibrationError(f"{origin}: {error}") from error
    except KeyError as error:
        raise CalibrationError(f"{origin}: {error} is missing.") from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise CalibrationError(f"{origin} is not a calibration: {error}.") from error


def to_json(calibration: Calibration) -> str:
    """The file's text."""
    points = [
        {"fmr": p.fmr, "upper": p.upper, "threshold": p.threshold}
        | ({"extrapolated": True} if p.extrapolated else {})
        for p in calibration.points
    ]
    data = {
        "format": _FORMAT,
        "model_sha256": calibration.model,
        "made_from": calibration.made_from,
        "impostor_pairs": calibration.impostor_pairs,
        "captures": calibration.captures,
        "points": points,
    }
    return json.dumps(data, indent=2) + "\n"


def _calibration(data: dict[str, Any]) -> Calibration:
    if data["format"] != _FORMAT:
        raise CalibrationError(f"its format is {data['format']!r}, this edge-door reads {_FORMAT}.")
    return Calibration(
        model=str(data["model_sha256"]),
        points=tuple(_point(entry) for entry in data["points"]),
        impostor_pairs=int(data["impostor_pairs"]),
        made_from=str(data["made_from"]),
        captures=int(data["captures"]),
    )


def _point(entry: dict[str, Any]) -> Point:
    extrapolated = entry.get("extrapolated", False)
    if not isinstance(extrapolated, bool):
        raise CalibrationError("`extrapolated` must be true or false.")
    return Point(
        fmr=float(entry["fmr"]),
        upper=float(entry["upper"]),
        threshold=float(entry["threshold"]),
        extrapolated=extrapolated,
    )


def _between(larger: Point, smaller: Point, fmr: float) -> Point:
    share = math.log(larger.fmr / fmr) / math.log(larger.fmr / smaller.fmr)
    return Point(
        fmr=fmr,
        upper=larger.upper * (smaller.upper / larger.upper) ** share,
        threshold=larger.threshold + share * (smaller.threshold - larger.threshold),
        extrapolated=smaller.extrapolated,
    )
