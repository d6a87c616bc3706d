"""What worse pictures do: who is judged, enrolled, turned away, and which strangers match.

Strangers whose pictures are bad in the same way resemble each other. Against a good template that
lets nobody in; so what counts is whether enrolment takes such pictures (collapse), and whether the
door still knows the right people by them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.evaluate.people import Faces, Listed, person_of
from edge.evaluate.rule import Measured, matching_strangers, rate_over_people
from edge.faces import FaceReader
from edge.vision.pictures import read_image

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from edge.access.calibration import Calibration
    from edge.config import Config
    from edge.evaluate.degrade import Degradation
    from edge.records import Floats

CLEAN = "as they are"


@dataclass(frozen=True, slots=True)
class Degraded:
    """One way of being worse."""

    name: str
    judged: float
    """Share of the pictures that the door judges."""
    enrolled: float
    """Share that enrolment takes."""
    fnmr: Measured
    """Judged probes that do not match a good picture of their person (at the door's rate)."""
    collapse: Measured
    """Strangers, all worse in this way and all taken by enrolment, who match each other."""
    over_asked: float
    """The last, over the rate asked."""

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "name": self.name,
            "judged": self.judged,
            "enrolled": self.enrolled,
            "fnmr": self.fnmr.as_dict(),
            "collapse": self.collapse.as_dict(),
            "collapse_over_asked": self.over_asked,
        }


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """Pictures as one degradation left them: unit vectors, zeros where no face was found."""

    vectors: Floats
    judged: Floats
    enrolled: Floats


def degraded(
    config: Config,
    folder: Path,
    names: Sequence[str],
    worse: Mapping[str, Degradation],
    calibration: Calibration,
    advance: Callable[[], None] = lambda: None,
) -> list[Degraded]:
    """Degrade every picture in every way, and judge what is left.

    Args:
        config: Names the models, and the quality that the door asks for.
        folder: Where the pictures are.
        names: `PERSON/PICTURE`.
        worse: What to do to them.
        calibration: The embedder's.
        advance: Called after each picture.

    Raises:
        CameraError: a picture is damaged.
        ModelError: see `FaceReader`.
    """
    reader = FaceReader(config)
    rows: dict[str, list[tuple[Floats | None, bool, bool]]] = {name: [] for name in [CLEAN, *worse]}
    for name in names:
        pixels = read_image(folder / name)
        clean = reader.subject(pixels)
        rows[CLEAN].append(reader.taken(clean))
        for way, change in worse.items():
            look = clean and reader.subject(change(pixels, clean.landmarks))
            rows[way].append(reader.taken(look))
        advance()
    length = next(len(v) for v, _, _ in rows[CLEAN] if v is not None)
    seen = {way: _stacked(found, length) for way, found in rows.items()}
    people = [person_of(name) for name in names]
    fmr = config.match.false_match_rate
    return [_finding(way, it, seen[CLEAN], people, calibration, fmr) for way, it in seen.items()]


def _stacked(found: Sequence[tuple[Floats | None, bool, bool]], length: int) -> _Seen:
    vectors = [np.zeros(length, np.float32) if v is None else v for v, _, _ in found]
    return _Seen(
        np.stack(vectors),
        np.array([judged for _, judged, _ in found], np.float32),
        np.array([enrolled for _, _, enrolled in found], np.float32),
    )


def _finding(
    way: str,
    seen: _Seen,
    clean: _Seen,
    people: Sequence[str],
    calibration: Calibration,
    fmr: float,
) -> Degraded:
    rule, (names, owner) = calibration.rule, np.unique(people, return_inverse=True)
    threshold = rule.threshold_for(1, fmr)
    probes = np.flatnonzero(seen.judged)
    templates = np.flatnonzero(clean.enrolled)
    rows, columns = np.nonzero(
        (owner[probes][:, np.newaxis] == owner[templates]) & (probes[:, np.newaxis] != templates)
    )
    one, other = seen.vectors[probes[rows]], clean.vectors[templates[columns]]
    scores = np.einsum("nd,nd->n", one, other)
    scores -= rule.cohort.crowding(one) + rule.cohort.crowding(other)
    taken = np.flatnonzero(seen.enrolled)
    faces = Faces.of(seen.vectors[taken], [Listed("", people[row]) for row in taken])
    if len(faces.pictures) > 1:
        collapse = matching_strangers(faces, rule.cohort, threshold)
    else:
        collapse = Measured(0.0, 0.0, 1.0, 0, len(faces.pictures))
    return Degraded(
        way,
        float(seen.judged.mean()),
        float(seen.enrolled.mean()),
        rate_over_people(scores < threshold, owner[probes[rows]], len(names)),
        collapse,
        collapse.value / fmr,
    )
