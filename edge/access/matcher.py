"""Whose face is it? Cosine similarity against one template, or several under one budget.

The budget: `false_match_rate` is for the whole attempt of a stranger, and the one place that shares
it is `ranked`. A rate of f for one template lets any of n match at most at rate n * f (Boole's
inequality, whatever their dependence), so each template gets its share. What the captures within a
template and the probes of an attempt make of that rate is measured: `calibration.Rule`.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import TYPE_CHECKING

import numpy as np

from edge.errors import ModelError, VaultError
from edge.records import Match

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.access.calibration import Calibration
    from edge.records import Embedding, Floats, Template

NEAREST = 2
"""Captures that count, those most alike: with two, half as many people are turned away at the same
rate as with one, and one bad capture opens no door (94 actors, 5 and 8 captures)."""
FLOOR_FMR = 1e-3
"""The newest probe of an attempt must match by itself at this rate, or at the attempt's own share
where that is larger: a face put in the place of another must not live off its past."""
_UNIT_TOLERANCE = 1e-2


def match(
    probe: Embedding,
    templates: Sequence[Template],
    calibration: Calibration,
    false_match_rate: float,
) -> Match:
    """The template that `probe` matches best. Arguments and errors: `ranked`."""
    found = ranked(probe, templates, calibration, false_match_rate)
    return found[0] if found else Match(None, -1.0, 1.0, false_match_rate)


def ranked(
    probe: Embedding,
    templates: Sequence[Template],
    calibration: Calibration,
    false_match_rate: float,
) -> list[Match]:
    """The probe's comparison with every template, the best first.

    Give the claimed person's template alone (1:1), or everybody's: they share the rate.

    Raises:
        CalibrationError: the calibration is another model's, or does not reach down to the share
            of the rate that each template gets.
        VaultError: a template is another model's.
        ModelError: the probe is not a finite vector of unit length.
    """
    calibration.require(probe.model)
    _check(probe, templates)
    if not templates:
        return []
    rule, rate = calibration.rule, false_match_rate / len(templates)
    vectors = np.concatenate([template.vectors for template in templates])
    cosines, crowding = vectors @ probe.vector, rule.cohort.crowding(vectors)
    crowded = float(rule.cohort.crowding(probe.vector[np.newaxis])[0])
    ends = accumulate((len(template.vectors) for template in templates), initial=0)
    found = []
    for template, (first, end) in zip(templates, pairwise(ends), strict=True):
        similarity, more = nearest(cosines[first:end], crowding[first:end])
        threshold, floor = (
            rule.threshold_for(end - first, fmr) + crowded + more
            for fmr in (rate, max(rate, FLOOR_FMR))
        )
        found.append(Match(template.person, similarity, threshold, rate, floor))
    return sorted(found, key=lambda one: one.margin, reverse=True)


def nearest(cosines: Floats, crowding: Floats) -> tuple[float, float]:
    """The mean cosine of the captures that count, and how crowded it is around them.

    Args:
        cosines: `(k,)`, of the probe to each capture.
        crowding: `(k,)`, of the captures: see `Cohort`.
    """
    chosen = np.argsort(crowding - cosines, kind="stable")[:NEAREST]
    return float(cosines[chosen].mean()), float(crowding[chosen].mean())


def _check(probe: Embedding, templates: Sequence[Template]) -> None:
    if not abs(float(np.linalg.norm(probe.vector)) - 1) < _UNIT_TOLERANCE:  # NaN is refused too
        raise ModelError("the embedder gave a vector that is not of unit length")
    for template in templates:
        if template.model != probe.model:
            raise VaultError(
                f"{template.person} was enrolled with the model {template.model[:12]}, and the "
                f"embedder in use is {probe.model[:12]}. Remove them and enrol them again."
            )
