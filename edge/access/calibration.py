"""Thresholds at a stated false-match rate, measured for one model.

The file, `models/calibration/<model>.json`:

    {"format": 2,
     "model_sha256": "<64 hex digits: the embedder's file>",
     "made_from": "which faces, in a sentence",
     "impostor_pairs": 1234567,
     "points": [
       {"fmr": 0.01, "upper": 0.0103, "threshold": 0.31},
       {"fmr": 0.001, "upper": 0.0011, "threshold": 0.42},
       {"fmr": 1e-06, "upper": 1e-05, "threshold": 0.63, "extrapolated": true}],
     "rule": {
       "made_from": "which strangers, in a sentence",
       "captures": {"1": [...], "5": [...], "8": [...]},
       "cohort": {"share": 0.5, "nearest": 16, "size": 256, "vectors": "<base64 of int8>"}}}

`points` are for the cosine of two pictures and run from the largest rate to the smallest;
thresholds rise. `upper` is the end of the 95 % confidence interval of the rate (resampled over
people, not pairs). A point beyond what was counted, from a tail fitted to the impostor scores, says
`"extrapolated": true`.

`rule` is what the door goes by: points for a template of so many captures, on the scale of
`matcher.ranked`. Without it (and in format 1) the pictures' own points serve, and every capture
takes its share of the rate.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import asdict, dataclass

from edge import plain
from edge.access.cohort import NOBODY, Cohort, KeptCohort
from edge.errors import CalibrationError

_FORMAT = 2
_READS = (1, 2)


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
class Curve:
    """Operating points, from the largest rate to the smallest.

    Raises:
        CalibrationError: there are none, or they do not fall and rise as they must.
    """

    points: tuple[Point, ...]

    def __post_init__(self) -> None:
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
            f"measured for ({self.points[-1].fmr:.2g}). "
            "Raise match.false_match_rate, have people make a claim, or calibrate with more faces."
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """What an attempt needs against a template of several captures.

    Raises:
        CalibrationError: no number of captures was measured, or they do not rise from 1.
    """

    curves: tuple[tuple[int, Curve], ...]
    """By the number of captures in the template, rising from 1."""
    cohort: Cohort = NOBODY
    made_from: str = ""

    def __post_init__(self) -> None:
        counts = [count for count, _ in self.curves]
        if counts[:1] != [1] or sorted(set(counts)) != counts:
            raise CalibrationError("the rule's `captures` must rise from 1.")

    def threshold_for(self, captures: int, fmr: float) -> float:
        """The similarity from which on a template of so many captures matches.

        The next larger number that was measured counts; beyond all of them every capture takes its
        share of the rate.

        Raises:
            CalibrationError: as `Curve.at`.
        """
        largest, last = self.curves[-1]
        curve = next((curve for count, curve in self.curves if count >= captures), last)
        return curve.at(fmr * min(1.0, largest / captures)).threshold


@dataclass(frozen=True, slots=True)
class Calibration:
    """The operating points of one model.

    Raises:
        CalibrationError: the values do not make a calibration.
    """

    model: str
    """SHA-256 of the embedder, hex."""
    pictures: Curve
    """For the cosine of two pictures."""
    impostor_pairs: int
    made_from: str
    measured_rule: Rule | None = None
    """None: only pairs of pictures were measured."""

    def __post_init__(self) -> None:
        if not re.fullmatch("[0-9a-f]{64}", self.model):
            raise CalibrationError("`model_sha256` must be 64 hex digits.")
        if self.impostor_pairs < 1:
            raise CalibrationError("`impostor_pairs` must be 1 or more.")

    @property
    def rule(self) -> Rule:
        """What the door goes by."""
        return self.measured_rule or Rule(((1, self.pictures),))

    def threshold_for(self, fmr: float) -> float:
        """The cosine from which on two pictures match. Raises as `Curve.at` does."""
        return self.pictures.at(fmr).threshold

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
    except (ValueError, RecursionError) as error:
        raise CalibrationError(f"{origin} is not a calibration: {error}.") from error


def to_json(calibration: Calibration) -> str:
    """The file's text."""
    data: dict[str, object] = {
        "format": _FORMAT,
        "model_sha256": calibration.model,
        "made_from": calibration.made_from,
        "impostor_pairs": calibration.impostor_pairs,
        "points": _listed(calibration.pictures),
    }
    rule = calibration.measured_rule
    if rule is not None:
        data["rule"] = {
            "made_from": rule.made_from,
            "captures": {str(count): _listed(curve) for count, curve in rule.curves},
            "cohort": asdict(rule.cohort.kept()),
        }
    return json.dumps(data, indent=1) + "\n"


def _listed(curve: Curve) -> list[dict[str, float | bool]]:
    return [
        {"fmr": p.fmr, "upper": p.upper, "threshold": p.threshold}
        | ({"extrapolated": True} if p.extrapolated else {})
        for p in curve.points
    ]


@dataclass(frozen=True, slots=True)
class _KeptRule:
    """A `Rule`, as the file has it."""

    made_from: str
    captures: dict[str, tuple[Point, ...]]
    cohort: KeptCohort


@dataclass(frozen=True, slots=True)
class _Format:
    """What every version of the file begins with."""

    format: int


@dataclass(frozen=True, slots=True)
class _Kept:
    """The rest of the file; `to_json` writes it without what is not there."""

    model_sha256: str
    made_from: str
    impostor_pairs: int
    points: tuple[Point, ...]
    rule: _KeptRule | None = None


def _calibration(data: object) -> Calibration:
    written = plain.read(_Format, data).format
    if written not in _READS:
        raise CalibrationError(f"its format is {written}, this edge-door reads {_FORMAT}.")
    kept = plain.read(_Kept, data)
    return Calibration(
        model=kept.model_sha256,
        pictures=Curve(kept.points),
        impostor_pairs=kept.impostor_pairs,
        made_from=kept.made_from,
        measured_rule=None if kept.rule is None else _rule(kept.rule),
    )


def _rule(kept: _KeptRule) -> Rule:
    curves = tuple((int(count), Curve(points)) for count, points in kept.captures.items())
    return Rule(curves, Cohort.restored(kept.cohort), kept.made_from)


def _between(larger: Point, smaller: Point, fmr: float) -> Point:
    share = math.log(larger.fmr / fmr) / math.log(larger.fmr / smaller.fmr)
    return Point(
        fmr=fmr,
        upper=larger.upper * (smaller.upper / larger.upper) ** share,
        threshold=larger.threshold + share * (smaller.threshold - larger.threshold),
        extrapolated=smaller.extrapolated,
    )
