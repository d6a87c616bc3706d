"""How crowded it is around a face: some resemble many strangers, and need more to match.

Symmetric score normalisation (Auckenthaler et al. 2000; adaptive: Matejka et al. 2017), its
subtracting half: against a small cohort each vector gets the mean of its nearest cosines, and a
share of that is what a comparison with it needs in addition. Without it, strangers of a group that
the embedder saw seldom match hundreds of times more often than the stated rate.

The cohort's vectors name nobody: each is the mean of a cluster of many faces.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.errors import CalibrationError

if TYPE_CHECKING:
    from edge.records import Floats

_STEPS = 127
"""int8: a cosine is off by 0.002 at most."""


@dataclass(frozen=True, slots=True)
class KeptCohort:
    """A `Cohort`, as the file of a calibration has it."""

    share: float
    nearest: int
    size: int
    vectors: str
    """Base64 of int8 `(size, d)`."""


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """Vectors of no one, and how to compare with them.

    Raises:
        CalibrationError: the numbers make no sense.
    """

    vectors: Floats
    """`(n, d)` unit vectors; none: nobody is crowded."""
    share: float
    """Of the two crowdings' mean, what a comparison needs in addition."""
    nearest: int
    """How many of the cohort count: those most alike."""

    def __post_init__(self) -> None:
        if not 0 <= self.share <= 1 or self.nearest < 1:
            raise CalibrationError("the cohort wants 0 <= share <= 1 and nearest >= 1.")

    def crowding(self, vectors: Floats) -> Floats:
        """What a comparison with each of `(n, d)` unit vectors needs in addition, `(n,)`.

        Raises:
            CalibrationError: the vectors are not as long as the cohort's.
        """
        count = min(self.nearest, len(self.vectors))
        if count == 0:
            return np.zeros(len(vectors), np.float32)
        if vectors.shape[1] != self.vectors.shape[1]:
            raise CalibrationError(
                f"the cohort's vectors have {self.vectors.shape[1]} numbers, the embedder's "
                f"{vectors.shape[1]}. Run `edge-door calibrate`."
            )
        cosines = vectors @ self.vectors.T
        nearest = np.partition(cosines, -count, axis=1)[:, -count:]
        return nearest.mean(axis=1) * np.float32(self.share / 2)

    def kept(self) -> KeptCohort:
        """For JSON."""
        reach = np.abs(self.vectors).max(axis=1, keepdims=True, initial=1e-6)
        steps = np.round(self.vectors / reach * _STEPS).astype(np.int8)
        vectors = base64.b64encode(steps.tobytes()).decode("ascii")
        return KeptCohort(self.share, self.nearest, len(self.vectors), vectors)

    @classmethod
    def restored(cls, kept: KeptCohort) -> Cohort:
        """What `kept` gave.

        Raises:
            CalibrationError: it is not a cohort.
            ValueError: its vectors are not base64.
        """
        size = kept.size
        steps = np.frombuffer(base64.b64decode(kept.vectors, validate=True), np.int8)
        if size < 0 or (steps.size % size if size else steps.size):
            raise CalibrationError(f"the cohort's vectors are not {size} of equal length.")
        vectors = steps.reshape(size, -1).astype(np.float32) if size else _NONE
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not norms.all():
            raise CalibrationError("the cohort has a vector of zeros.")
        return cls(vectors / norms, kept.share, kept.nearest)


_NONE = np.zeros((0, 0), np.float32)
NOBODY = Cohort(_NONE, share=0.0, nearest=1)
"""No cohort: plain cosines."""
