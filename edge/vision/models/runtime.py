"""What computes a network: a runtime loads a file and gives a network that runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Tensor:
    """An input or output of a network: value = (stored - zero_point) * scale."""

    index: int
    shape: tuple[int, ...]
    dtype: np.dtype[np.generic]
    scale: float
    """0: stored as it is."""
    zero_point: int


class Network(Protocol):
    """A loaded file. Not for two threads at once."""

    @property
    def inputs(self) -> Sequence[Tensor]:
        """What it takes, in the file's order."""

    @property
    def outputs(self) -> Sequence[Tensor]:
        """What it gives; the order differs between runtimes."""

    @property
    def stored_types(self) -> frozenset[str]:
        """The numpy names of the types of all its tensors, weights too."""

    def put(self) -> NDArray[np.generic]:
        """The memory of the first input, to write into; let go of it before `compute`."""

    def compute(self) -> None:
        """Run once on what was put."""

    def read(self, output: Tensor) -> NDArray[np.generic]:
        """A copy of one output."""


class Runtime(Protocol):
    """A library that computes networks. One implementation a file, all in `runtimes.RUNTIMES`."""

    @property
    def name(self) -> str:
        """What `[models] runtime` calls it."""

    @property
    def package(self) -> str:
        """What to install for it."""

    def missing(self) -> str | None:
        """Why it cannot be used here; None: it can."""

    def load(self, content: bytes, threads: int) -> Network:
        """Make a network of a file's bytes.

        Raises:
            ValueError: it is no file of this runtime.
            RuntimeError: it cannot be run here.
        """
