"""Whose face is it? Cosine similarity against one template, or several under one budget.

The budget: `false_match_rate` is for the whole attempt of a stranger. A threshold that lets one
comparison match at rate f lets any of n match at most at rate n * f (Boole's inequality, whatever
their dependence), so each comparison gets its share, and the threshold rises with the number of
templates and of captures in them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge.errors import ModelError, VaultError
from edge.records import Match

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.access.calibration import Calibration
    from edge.records import Embedding, Template

_UNIT_TOLERANCE = 1e-2


def match(
    probe: Embedding,
    templates: Sequence[Template],
    calibration: Calibration,
    false_match_rate: float,
) -> Match:
    """The template most similar to `probe`, and the threshold it has to reach.

    Give the claimed person's template alone (1:1), or everybody's.

    Raises:
        CalibrationError: the calibration is another model's, or does not reach down to the share
            of the rate that each comparison gets.
        VaultError: a template is another model's.
        ModelError: the probe is not a finite vector of unit length.
    """
    calibration.require(probe.model)
    _check(probe, templates)
    comparisons = sum(max(1.0, len(t.vectors) / calibration.captures) for t in templates)
    rate = false_match_rate / max(1.0, comparisons)
    threshold = calibration.threshold_for(rate)
    scored = [(similarity(probe, template), template.person) for template in templates]
    best, person = max(scored, default=(-1.0, None))
    return Match(person, best, threshold, rate)


def similarity(probe: Embedding, template: Template) -> float:
    """Cosine to the template's nearest vector, -1 to 1.

    The nearest, since that is what the budget above is exact for: strangers match at close to the
    rate asked for. The mean of several stays far below it and turns away more of the right people.
    """
    return float(np.max(template.vectors @ probe.vector))


def _check(probe: Embedding, templates: Sequence[Template]) -> None:
    if not abs(float(np.linalg.norm(probe.vector)) - 1) < _UNIT_TOLERANCE:  # NaN is refused too
        raise ModelError("the embedder gave a vector that is not of unit length")
    for template in templates:
        if template.model != probe.model:
            raise VaultError(
                f"{template.person} was enrolled with the model {template.model[:12]}, and the "
                f"embedder in use is {probe.model[:12]}. Remove them and enrol them again."
            )
