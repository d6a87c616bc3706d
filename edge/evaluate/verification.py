"""How well the product tells people apart: labelled pictures through its own path.

Each picture is read, the face detected and aligned and its vector made exactly as the daemon does
it; the quality gate alone is left open, so that hard pictures count.
"""

from __future__ import annotations

import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from edge.errors import NoFaceError, UsageError
from edge.evaluate.people import person_of
from edge.evaluate.stats import (
    Genuine,
    Impostors,
    Rate,
    all_impostors,
    best_threshold,
    d_prime,
    equal_error,
    fnmr_at,
    fold_accuracies,
    listed_impostors,
)
from edge.faces import FaceReader
from edge.vision.pictures import read_image

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from edge.config import Config
    from edge.evaluate.pairs import Pair, Pairs
    from edge.evaluate.stats import Indices
    from edge.records import Floats

FALSE_MATCH_RATES = {"1e-2": 1e-2, "1e-3": 1e-3, "1e-4": 1e-4, "1e-5": 1e-5, "1e-6": 1e-6}
_MAX_MISSING = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Encoded:
    """Pictures as vectors."""

    names: tuple[str, ...]
    vectors: Floats
    """`(n, d)` unit vectors; a row of zeros where no face was found."""
    missing: tuple[str, ...]
    """Pictures that the list names and the folder does not hold."""

    @property
    def enrolled(self) -> NDArray[np.bool_]:
        """Where a face was found."""
        return np.any(self.vectors != 0, axis=1)

    @property
    def people(self) -> tuple[list[str], Indices]:
        """Names of the people, and the number of each picture's."""
        known, people = np.unique([*map(person_of, self.names)], return_inverse=True)
        return known.tolist(), people


def encode(
    config: Config,
    folder: Path,
    names: Sequence[str],
    advance: Callable[[], None] = lambda: None,
    jobs: int | None = None,
) -> Encoded:
    """Make every picture's vector, on all processor cores.

    Args:
        config: Names the models.
        folder: Where the pictures are.
        names: Relative paths.
        advance: Called after each picture.
        jobs: Processes; default one a core.

    Raises:
        UsageError: more than one in a hundred pictures is missing.
        CameraError: a picture is damaged.
        ModelError: see `FaceReader`.
    """
    present, missing = _sorted_out(folder, names)
    FaceReader(config)  # a wrong model is refused here, not in every process
    jobs = min(jobs or os.cpu_count() or 1, len(present))
    chunk = max(1, min(16, len(present) // jobs))
    settings = config.model_dump_json()
    with ProcessPoolExecutor(
        jobs, mp_context=get_context("spawn"), initializer=_start, initargs=(settings,)
    ) as pool:
        vectors = []
        paths = [str(folder / name) for name in present]
        for vector in pool.map(_encode_one, paths, chunksize=chunk):
            vectors.append(vector)
            advance()
    if all(vector is None for vector in vectors):
        raise NoFaceError(f"no face was found in any of the {len(vectors)} pictures of {folder}")
    return Encoded(tuple(present), _rows_of(vectors), missing)


def _sorted_out(folder: Path, names: Sequence[str]) -> tuple[list[str], tuple[str, ...]]:
    """Which pictures are there, and which are not."""
    there = {name: (folder / name).is_file() for name in names}
    missing = tuple(name for name in names if not there[name])
    if len(missing) > _MAX_MISSING * len(names):
        raise UsageError(
            f"{len(missing)} of {len(names)} pictures are not in {folder}, the first is "
            f"{missing[0]}. Give the folder that holds a folder for each person."
        )
    return [name for name in names if there[name]], missing


def _rows_of(vectors: list[Floats | None]) -> Floats:
    """One row a picture; zeros where there was no face."""
    nothing = np.zeros_like(next(vector for vector in vectors if vector is not None))
    return np.stack([nothing if vector is None else vector for vector in vectors])


class _Worker:
    """What one process holds."""

    reader: FaceReader


def _start(settings: str) -> None:
    from edge.config import Config

    config = Config.model_validate_json(settings)
    models = config.models.model_copy(update={"threads": 1})
    _Worker.reader = FaceReader(config.model_copy(update={"models": models}))


def _encode_one(path: str) -> Floats | None:
    look = _Worker.reader.subject(read_image(Path(path)))
    return None if look is None else _Worker.reader.embed(look).vector


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """The figures of one evaluation. Pairs with a picture without a face count as no match."""

    model: str
    pairs: int
    skipped_pairs: int
    """Left out because the folder does not hold one of their pictures."""
    images: int
    failures: tuple[str, ...]
    """Pictures in which no face was found."""
    missing: tuple[str, ...]
    folded: bool
    """The list has folds of its own."""
    fold_accuracy: float
    """LFW's rule: mean over ten folds, each judged by the best threshold of the others."""
    fold_deviation: float
    """Its standard error."""
    best_accuracy: float
    """With the one threshold that suits the whole list best."""
    eer: float
    d_prime: float
    fnmr_at: dict[str, Rate]
    """By false-match rate."""
    genuine: Genuine
    impostors: Impostors

    @property
    def accuracy(self) -> float:
        """By LFW's rule where the list has folds, else with the best single threshold."""
        return self.fold_accuracy if self.folded else self.best_accuracy

    @property
    def rule(self) -> str:
        """What `accuracy` is."""
        if self.folded:
            return "LFW's rule: each fold judged by the best threshold of the others"
        return "no folds in the list: the best single threshold for the whole list"

    @property
    def failure_to_enrol(self) -> float:
        """Share of the pictures in which no face was found."""
        return len(self.failures) / self.images

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "model": self.model,
            "accuracy": self.accuracy,
            "accuracy_rule": self.rule,
            "accuracy_in_folds": self.fold_accuracy,
            "accuracy_in_folds_standard_error": self.fold_deviation,
            "eer": self.eer,
            "d_prime": self.d_prime,
            "fnmr_at_fmr": {name: rate.value for name, rate in self.fnmr_at.items()},
            "fnmr_interval_at_fmr": {n: [r.low, r.high] for n, r in self.fnmr_at.items()},
            "threshold_at_fmr": {name: rate.threshold for name, rate in self.fnmr_at.items()},
            "uncounted_fmr": [name for name in self.fnmr_at if not self.counted(name)],
            "failure_to_enrol": self.failure_to_enrol,
            "not_enrolled": list(self.failures),
            "images": self.images,
            "pairs": self.pairs,
            "skipped_pairs": self.skipped_pairs,
            "missing_images": list(self.missing),
            "genuine_pairs": len(self.genuine.scores),
            "impostor_pairs": len(self.impostors),
        }

    def counted(self, name: str) -> bool:
        """Whether there are impostor pairs enough for the rate (rule of 3), or only a bound."""
        return 3 / FALSE_MATCH_RATES[name] <= len(self.impostors)


def _compared(listed: Pairs, encoded: Encoded) -> tuple[list[Pair], Indices]:
    """The pairs whose pictures were both read, and the rows of these, `(n, 2)`."""
    place = {name: row for row, name in enumerate(encoded.names)}
    kept = [pair for pair in listed.pairs if pair.one in place and pair.other in place]
    return kept, np.array([(place[pair.one], place[pair.other]) for pair in kept])


def judge(model: str, listed: Pairs, encoded: Encoded, *, every_impostor: bool = False) -> Report:
    """Score the pairs; with `every_impostor` every pair of two people, not only those listed.

    Raises:
        UsageError: the pairs make no two folds.
    """
    kept, rows = _compared(listed, encoded)
    folds = np.array([pair.fold for pair in kept])
    if len(np.unique(folds)) < 2:
        raise UsageError(
            "one fold of pairs is judged by the others, and there are no others: list at least two "
            "pairs of the same and two of different people."
        )
    same = np.array([pair.same for pair in kept])
    vectors, enrolled = encoded.vectors, encoded.enrolled
    scores = np.einsum("nd,nd->n", vectors[rows[:, 0]], vectors[rows[:, 1]]).astype(np.float32)
    scores[~enrolled[rows].all(axis=1)] = -1.0
    known, people = encoded.people
    genuine = Genuine(scores[same], people[rows[same, 0]])
    impostors = (
        all_impostors(vectors[enrolled], people[enrolled])
        if every_impostor
        else listed_impostors(scores[~same], people[rows[~same]], len(known))
    )
    accuracies = fold_accuracies(scores, same, folds)
    rates = fnmr_at(genuine, impostors, list(FALSE_MATCH_RATES.values()))
    return Report(
        model=model,
        pairs=len(kept),
        skipped_pairs=len(listed.pairs) - len(kept),
        images=len(encoded.names),
        failures=tuple(n for n, found in zip(encoded.names, enrolled, strict=True) if not found),
        missing=encoded.missing,
        folded=listed.folded,
        fold_accuracy=float(np.mean(accuracies)),
        fold_deviation=float(np.std(accuracies) / np.sqrt(len(accuracies))),
        best_accuracy=float(np.mean((scores >= best_threshold(scores, same)) == same)),
        eer=equal_error(genuine, impostors),
        d_prime=d_prime(genuine, impostors),
        fnmr_at=dict(zip(FALSE_MATCH_RATES, rates, strict=True)),
        genuine=genuine,
        impostors=impostors,
    )
