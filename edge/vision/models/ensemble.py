"""The embedder as a whole: networks whose cosines are added, and what was learnt at this site."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pydantic import BaseModel, ConfigDict, PositiveFloat

from edge.arrays import unpacked
from edge.believed import read_believed
from edge.errors import ModelError
from edge.vision.models.entries import EmbedderEntry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.records import Floats


class Projection(BaseModel):
    """Where it lies, and its hash."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    path: Path
    sha256: str

    def read(self) -> Floats:
        """The `(d, d)` matrix.

        Raises:
            ModelError: the file was altered or is gone.
        """
        content = read_projection(self.path)
        if hashlib.sha256(content).hexdigest() != self.sha256:
            raise ModelError(f"{self.path} was altered; edge-door adapt --undo removes it")
        return unpacked(content)["projection"].astype(np.float32)


class Ensemble(BaseModel):
    """What makes the vector that is compared: one network, or several whose cosines are added."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    networks: tuple[EmbedderEntry, ...]
    weights: tuple[PositiveFloat, ...]
    """Of each network's cosine in the sum."""
    description: str = ""
    projection: Projection | None = None
    """Learnt at this site: what the vector goes through last."""

    @property
    def sha256(self) -> str:
        """See `combined_sha256`."""
        base = combined_sha256([entry.sha256 for entry in self.networks], self.weights)
        if self.projection is None:
            return base
        return combined_sha256([base, self.projection.sha256], (1.0, 1.0))

    @property
    def precision(self) -> str:
        """`int8` where all are; else that of the first one that is not."""
        return next((e.precision for e in self.networks if e.precision != "int8"), "int8")


def combined_sha256(hashes: Sequence[str], weights: Sequence[float]) -> str:
    """Which vectors can be compared: those of one file, or of the same files in the same sum."""
    if len(hashes) == 1:
        return hashes[0]
    lines = [f"{sha256} {weight:g}\n" for sha256, weight in zip(hashes, weights, strict=True)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def read_projection(path: Path) -> bytes:
    """The bytes of a projection's file.

    Raises:
        ModelError: it cannot be read.
    """
    try:
        return read_believed(path)
    except OSError as error:
        raise ModelError(f"{path} cannot be read: {error.strerror}") from error
