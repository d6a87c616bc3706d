"""What is learnt from, and how often each eye is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.build.eyelids.shape import KEPT, KEPT_SCALE, PATCH, SHUT, USUAL

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    Answers = NDArray[np.float32]
    Weights = NDArray[np.float64]

FILMS, STILLS, PATCHES = 0.5, 0.38, 0.12
"""Shares of what is drawn."""
SURE = 6.0
"""Log-odds of a labelled patch."""
DIP, CLOSED, OFTEN = 0.35, 0.6, 6.0
"""So many lid levels below the median a film shows a blink, and a single picture a shut eye, which
is drawn so much more often."""
SAME_PERSON = (
    {"apfol_fake", "apfol_fake2", "apfol_real2"},
    {"leszko_face", "leszko_me"},
    {"lestari_fake", "lestari_real"},
)


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """Eyes and what is to be said of them."""

    kept: NDArray[np.uint8]
    """RGB `(n, 64, 64, 3)`."""
    answers: Answers
    """Opening (NaN: nobody can tell) and log-odds of being shut `(n, 2)`."""
    drawn: Weights
    """How often each one is to be drawn."""


def levels(answers: Answers) -> Answers:
    """Both answers as lid levels."""
    return np.asarray(answers * np.array([1 / USUAL, -SHUT], np.float32), np.float32)


def halves(sources: NDArray[np.str_]) -> NDArray[np.int64]:
    """In which half of the people, 0 or 1, each film's person is."""
    people = [_person(source) for source in sources]
    number = {person: place % 2 for place, person in enumerate(sorted(set(people)))}
    return np.array([number[person] for person in people])


def _person(source: str) -> str:
    name = source.split(maxsplit=1)[0]
    return next((min(group) for group in SAME_PERSON if name in group), name)


def read(work: Path, data: Path, half: int | None) -> Lessons:
    """All single pictures, and the films of one half of the people; None: of all."""
    return _joined([_films(work, half), _stills(work), _patches(data)], (FILMS, STILLS, PATCHES))


def _joined(parts: list[Lessons], shares: tuple[float, ...]) -> Lessons:
    drawn = [p.drawn / p.drawn.sum() * share for p, share in zip(parts, shares, strict=True)]
    return Lessons(
        np.concatenate([part.kept for part in parts]),
        np.concatenate([part.answers for part in parts]),
        np.concatenate(drawn),
    )


def _films(work: Path, half: int | None) -> Lessons:
    """Films weigh by the root of their length, blinks as much again."""
    with np.load(work / "films.npz") as file:
        kept, answers, sources = file["kept"], file["answers"], file["source"]
    level, drawn = levels(answers).sum(1), np.zeros(len(kept))
    for source in np.unique(sources):
        mine = sources == source
        dip = mine & (level < np.median(level[mine]) - DIP)
        drawn[mine] += 1 / np.sqrt(mine.sum())
        drawn[dip] += 1 / np.sqrt(max(dip.sum(), 60))
    chosen = np.ones(len(kept), bool) if half is None else halves(sources) == half
    return Lessons(kept[chosen], answers[chosen], drawn[chosen])


def _stills(work: Path) -> Lessons:
    with np.load(work / "stills.npz") as file:
        kept, answers = file["kept"], file["answers"]
    level = levels(answers).sum(1)
    shut = level < np.median(level) - CLOSED
    return Lessons(kept, answers, np.where(shut, OFTEN, 1.0))


def _patches(data: Path) -> Lessons:
    """Closed Eyes in the Wild: grey patches with labels, of which only one answer follows."""
    with np.load(data / "eyes_24.npz") as archive:
        patches, closed, side = archive["images"], archive["closed"], archive["side"]
    size = round(KEPT * PATCH / KEPT_SCALE)
    margin = (KEPT - size) // 2
    kept = np.empty((len(patches), KEPT, KEPT, 3), np.uint8)
    for eye, patch in zip(kept, patches, strict=True):
        large = cv2.resize(patch, (size, size), interpolation=cv2.INTER_CUBIC)
        eye[...] = np.pad(large, margin, "edge")[:, :, None]
    kept[side == "left"] = kept[side == "left"][:, :, ::-1]
    shut = np.where(closed, SURE, -SURE)
    answers = np.column_stack([np.full(len(shut), np.nan), shut]).astype(np.float32)
    return Lessons(kept, answers, np.ones(len(kept)))
