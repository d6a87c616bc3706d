"""All that is learnt from, gathered once and kept in a folder of one's own."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from models.build.recapture import data, pool, teachers

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from models.build.recapture.data import Label
    from models.build.recapture.pool import Pool

SAMPLES, SEED = 24_000, 11


@dataclass(frozen=True, slots=True, eq=False)
class Lessons:
    """Faces as they are, with the teachers' answers, and a pool of samples made of them."""

    labels: list[Label]
    crops: NDArray[np.uint8]
    """`(n, 3, 80, 80, 3)`."""
    drawn: NDArray[np.float64]
    """How often each is drawn."""
    odds: NDArray[np.float32]
    """Log-odds of an attack by the two teachers that see whole frames, summed."""
    alone: NDArray[np.float32]
    """The same by the one that sees the face alone."""
    seen: NDArray[np.float32]
    """What their last layers see, `(n, 3, 128)`."""
    pool: Pool

    @property
    def attack(self) -> NDArray[np.bool_]:
        """Of the faces."""
        return np.array([label.attack for label in self.labels])

    @property
    def fold(self) -> NDArray[np.int64]:
        """Of the faces."""
        return np.array([label.fold for label in self.labels])


def gather(folder: Path, teaching: Path, kept: Path) -> Lessons:
    """From the data folder and the teachers'; what is in `kept` already is taken from there.

    A pickle: give it no file that somebody else made.
    """
    path = kept / "lessons.pickle"
    if path.exists():
        with path.open("rb") as file:
            return pickle.load(file)  # noqa: S301 - our own
    faces = list(data.faces(folder))
    print(f"{len(faces)} faces")
    odds, alone, seen = teachers.answers(teaching, faces)
    print("the teachers have answered")
    lessons = Lessons(
        labels=[face.label for face in faces],
        crops=np.stack([pool.crops_of(face.pixels, face.box) for face in faces]),
        drawn=pool.weights(faces),
        odds=odds,
        alone=alone,
        seen=seen,
        pool=pool.pool(faces, SAMPLES, SEED),
    )
    kept.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        pickle.dump(lessons, file, pickle.HIGHEST_PROTOCOL)
    return lessons
