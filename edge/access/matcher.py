"""Whose face is it? Cosine similarity against one template, or several under one budget.

The budget: `false_match_rate` is for the whole attempt of a stranger, and the one place that shares
it is `ranked`. A rate of f for one template lets any of n match at most at rate n * f (Boole's
inequality, whatever their dependence), so each template gets its share. What the captures within a
template and the probes of an attempt make of that rate is measured: `calibration.Rule`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edge.access.gallery import Gallery
from edge.errors import ModelError, VaultError
from edge.records import Embedding, Match

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge.access.calibration import Calibration
    from edge.records import Floats, Template

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
    best = Match(None, -1.0, 1.0, false_match_rate)
    for compared in _compared(probe, templates, calibration, false_match_rate):
        found = compared.match(int((compared.similarity - compared.threshold).argmax()))
        if best.person is None or found.margin > best.margin:
            best = found
    return best


def ranked(
    probe: Embedding,
    templates: Sequence[Template],
    calibration: Calibration,
    false_match_rate: float,
) -> list[Match]:
    """The probe's comparison with every template, the best first.

    Args:
        probe: Whose face it is.
        templates: The claimed person's alone (1:1), or everybody's: they share the rate. A
            `Gallery` made with the calibration's cohort is ready; of others one is made here.
        calibration: The embedder's.
        false_match_rate: Of a stranger's whole attempt.

    Raises:
        CalibrationError: the calibration is another model's, or does not reach down to the share
            of the rate that each template gets.
        VaultError: a template is another model's.
        ModelError: the probe is not a finite vector of unit length.
    """
    found = [
        compared.match(number)
        for compared in _compared(probe, templates, calibration, false_match_rate)
        for number in range(len(compared.templates))
    ]
    return sorted(found, key=lambda one: one.margin, reverse=True)


def turned_away(
    templates: Sequence[Template], calibration: Calibration, false_match_rate: float
) -> float:
    """The share of people's own captures that do not match the others of the same person.

    Captures of one enrolment resemble each other more than a visit in other light does, so the
    door turns away no fewer. Those of a template of one are not counted; none at all: 0.

    Args:
        templates: Everybody's.
        calibration: The embedder's.
        false_match_rate: What is left of it for one template. Errors: `ranked`.
    """
    missed = [
        not match(
            Embedding(vector, template.model),
            [replace(template, vectors=np.delete(template.vectors, number, axis=0))],
            calibration,
            false_match_rate,
        ).matched
        for template in templates
        if len(template.vectors) > 1
        for number, vector in enumerate(template.vectors)
    ]
    return float(np.mean(missed)) if missed else 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Compared:
    """A probe beside all templates of one number of captures."""

    templates: Sequence[Template]
    similarity: Floats
    threshold: Floats
    floor: Floats
    false_match_rate: float

    def match(self, number: int) -> Match:
        return Match(
            self.templates[number].person,
            float(self.similarity[number]),
            float(self.threshold[number]),
            self.false_match_rate,
            float(self.floor[number]),
        )


def _compared(
    probe: Embedding,
    templates: Sequence[Template],
    calibration: Calibration,
    false_match_rate: float,
) -> Iterator[_Compared]:
    calibration.require(probe.model)
    rule = calibration.rule
    _check(probe)
    if not templates:
        return
    if isinstance(templates, Gallery) and templates.cohort is rule.cohort:
        gallery = templates
    else:
        gallery = Gallery(templates, rule.cohort)
    _check_models(probe, gallery)
    rate = false_match_rate / len(gallery)
    crowded = float(rule.cohort.crowding(probe.vector[np.newaxis])[0])
    for captures, group, similarity, crowding in gallery.scores(probe.vector):
        threshold, floor = (
            crowding + (rule.threshold_for(captures, fmr) + crowded)
            for fmr in (rate, max(rate, FLOOR_FMR))
        )
        yield _Compared(group, similarity, threshold, floor, rate)


def _check(probe: Embedding) -> None:
    if not abs(float(np.linalg.norm(probe.vector)) - 1) < _UNIT_TOLERANCE:  # NaN is refused too
        raise ModelError("the embedder gave a vector that is not of unit length")


def _check_models(probe: Embedding, gallery: Gallery) -> None:
    if gallery.models == {probe.model}:
        return
    other = next(template for template in gallery if template.model != probe.model)
    raise VaultError(
        f"{other.person} was enrolled with the model {other.model[:12]}, and the "
        f"embedder in use is {probe.model[:12]}. Remove them and enrol them again."
    )
