"""Whose face is it? Cosine similarity against one template, or several under one budget.

The budget: `false_match_rate` is for the whole attempt of a stranger, and the one place that shares
it is `_compared`. A rate of f for one template lets any of n match at most at rate n * f (Boole's
inequality, whatever their dependence), so each template gets its share. What the captures within a
template and the probes of an attempt make of that rate is measured: `calibration.Rule`.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from edge.access.gallery import Gallery, pooled
from edge.errors import ModelError, VaultError
from edge.records import Embedding, Match

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.access.calibration import Calibration
    from edge.access.nearest import Numbers
    from edge.records import Floats, Template

PROBES = 3
"""Comparisons of an attempt: the newest of one track count as one vector."""
_UNIT_TOLERANCE = 1e-2


class Probes:
    """The newest probes of one track as one.

    That they are one face's is the track's promise (`edge.vision.faces.tracker`): a face put in the
    place of another begins a new one.
    """

    def __init__(self) -> None:
        """Nobody was seen yet."""
        self._track = -1
        self._newest: deque[Floats] = deque(maxlen=PROBES)

    def joined(self, track: int, probe: Embedding) -> Embedding:
        """`probe` together with those before it on its track."""
        if track != self._track:
            self._track = track
            self._newest.clear()
        self._newest.append(probe.vector)
        return Embedding(pooled(np.stack(self._newest)), probe.model)


def match(
    probe: Embedding,
    templates: Sequence[Template],
    calibration: Calibration,
    false_match_rate: float,
) -> Match:
    """The template that `probe` matches best. Arguments and errors: `ranked`."""
    if not templates:
        calibration.require(probe.model)
        return Match(None, -1.0, 1.0, false_match_rate)
    compared = _compared(probe, templates, calibration, false_match_rate)
    return compared.match(int(compared.margins.argmax()))


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
    if not templates:
        calibration.require(probe.model)
        return []
    compared = _compared(probe, templates, calibration, false_match_rate)
    order = np.argsort(-compared.margins, kind="stable")
    return [compared.match(int(number)) for number in order]


def resembled_by_all(
    probes: Sequence[Embedding], templates: Sequence[Template], least: float
) -> frozenset[str]:
    """Whom every one of these probes resembles by this cosine at least; nobody for no probe."""
    if not probes or not templates:
        return frozenset()
    if isinstance(templates, Gallery):
        vectors = templates.vectors
    else:
        vectors = np.stack([pooled(template.vectors) for template in templates])
    nearest = (vectors @ np.stack([probe.vector for probe in probes]).T).min(axis=1)
    return frozenset(templates[int(number)].person for number in np.flatnonzero(nearest >= least))


def turned_away(
    templates: Sequence[Template], calibration: Calibration, false_match_rate: float
) -> float:
    """The share of people's own captures that do not match the others of the same person.

    Captures of one enrolment resemble each other more than a visit in other light does; but a visit
    has several probes, and each capture here is alone. Those of a template of one are not counted;
    none at all: 0.

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
    """A probe beside templates."""

    gallery: Gallery
    numbers: Numbers
    similarities: Floats
    thresholds: Floats
    false_match_rate: float

    @property
    def margins(self) -> Floats:
        return self.similarities - self.thresholds

    def match(self, number: int) -> Match:
        return Match(
            self.gallery[int(self.numbers[number])].person,
            float(self.similarities[number]),
            float(self.thresholds[number]),
            self.false_match_rate,
        )


def _compared(
    probe: Embedding,
    templates: Sequence[Template],
    calibration: Calibration,
    false_match_rate: float,
) -> _Compared:
    calibration.require(probe.model)
    rule = calibration.rule
    _check(probe)
    if isinstance(templates, Gallery) and templates.cohort is rule.cohort:
        gallery = templates
    else:
        gallery = Gallery(templates, rule.cohort)
    _check_models(probe, gallery)
    rate = false_match_rate / len(gallery)
    near = gallery.beside(probe.vector)
    needed = np.array([rule.threshold_for(count, rate) for count in gallery.counts], np.float32)
    thresholds = needed[gallery.kinds[near]] + gallery.crowding[near]
    thresholds += rule.cohort.crowding(probe.vector[np.newaxis])
    similarities = gallery.vectors[near] @ probe.vector
    return _Compared(gallery, np.arange(len(gallery))[near], similarities, thresholds, rate)


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
