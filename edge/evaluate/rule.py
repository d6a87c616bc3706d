"""The door's rule on labelled people: how many it turns away, and how many strangers it lets in.

An attempt is as `edge.access.matcher` judges it: several probes as one against the captures as one.
A stranger with fewer pictures than probes shows one of them throughout, as consecutive frames
nearly do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.errors import UsageError
from edge.evaluate.stats import draws, interval
from edge.evaluate.strangers import attempts, strangers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge.access.calibration import Rule
    from edge.access.cohort import Cohort
    from edge.evaluate.people import Faces
    from edge.evaluate.stats import Indices

_FEWEST_FACES = 10
"""In a group whose rate is stated."""


@dataclass(frozen=True, slots=True)
class Measured:
    """A rate, its 95 % interval over people, and what it was counted on."""

    value: float
    low: float
    high: float
    attempts: int
    people: int

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "value": self.value,
            "interval_95": [self.low, self.high],
            "attempts": self.attempts,
            "people": self.people,
        }


@dataclass(frozen=True, slots=True)
class RuleReport:
    """What the rule does at one false-match rate."""

    fmr: float
    """Asked for."""
    captures: int
    probes: int
    fnmr: Measured
    observed: Measured
    """The false-match rate among strangers of one group."""

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "false_match_rate": self.fmr,
            "captures": self.captures,
            "probes": self.probes,
            "fnmr": self.fnmr.as_dict(),
            "observed_fmr": self.observed.as_dict(),
            "observed_over_asked": self.observed.value / self.fmr,
        }


@dataclass(frozen=True, slots=True)
class GroupReport:
    """How often strangers of one group match: one picture against one."""

    name: str
    faces: int
    fmr: Measured
    over_asked: float
    """Observed over asked."""

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "group": self.name,
            "faces": self.faces,
            "fmr": self.fmr.as_dict(),
            "over_asked": self.over_asked,
        }


def rule_report(faces: Faces, rule: Rule, fmr: float, captures: int, probes: int) -> RuleReport:
    """Judge genuine attempts and strangers' at the rate `fmr`.

    Raises:
        UsageError: nobody has enough pictures.
        CalibrationError: the rule was not measured down to this rate.
    """
    if not (faces.pictures >= captures + probes).any():
        raise UsageError(
            f"nobody has {captures + probes} pictures, which --captures {captures} and --probes "
            f"{probes} ask for. Ask for fewer, or give more pictures of the same people."
        )
    threshold = rule.threshold_for(captures, fmr)
    own, others = attempts(faces, rule.cohort, captures, probes)
    return RuleReport(
        fmr,
        captures,
        probes,
        rate_over_people(own.scores < threshold, own.people, len(faces.pictures)),
        rate_over_people(others.scores >= threshold, others.people, len(faces.pictures)),
    )


def group_reports(faces: Faces, rule: Rule, fmr: float) -> list[GroupReport]:
    """Every group by itself at the threshold for `fmr`, the worst first."""
    threshold = rule.threshold_for(1, fmr)
    reports = []
    for number, name in enumerate(faces.names):
        own = faces.only(faces.groups == number)
        if not name or len(own) < _FEWEST_FACES:
            continue
        measured = matching_strangers(own, rule.cohort, threshold)
        reports.append(GroupReport(name, len(own), measured, measured.value / fmr))
    return sorted(reports, key=lambda report: report.over_asked, reverse=True)


def matching_strangers(faces: Faces, cohort: Cohort, threshold: float) -> Measured:
    """How often strangers match at a threshold: one picture against one."""
    met = strangers(faces, cohort, 1)
    low, high = met.intervals([threshold])[0]
    return Measured(met.fmr(threshold), low, high, len(met.scores), len(faces.pictures))


def rate_over_people(hits: NDArray[np.bool_], people: Indices, count: int) -> Measured:
    """The share of hits; resampled over people (both of an attempt where two are named)."""
    if not len(hits):
        return Measured(0.0, 0.0, 1.0, 0, 0)
    named = people.reshape(len(hits), -1)
    drawn = []
    for times in draws(count):
        weights = times[named].prod(axis=1)
        drawn.append((weights * hits).sum() / max(weights.sum(), 1))
    low, high = interval(np.array(drawn))
    share = float(hits.mean())
    # Nothing counted is not nothing: the rule of 3 on the people that met.
    met = len(np.unique(named, axis=0))
    bound = max(float(high), 0.0 if hits.any() else min(1.0, 3 / met))
    return Measured(share, min(float(low), share), bound, len(hits), len(np.unique(named)))
