"""Among more templates than can be compared in time: those nearest to a probe, by an index.

A graph of neighbours (Malkov and Yashunin 2016, arXiv:1603.09320), by `usearch`, which comes with
the extra `many`. It is quick and may miss; the comparison of what it finds is exact.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from usearch.index import Index

    from edge.records import Floats

    Numbers = np.ndarray[tuple[int, ...], np.dtype[np.int64]]

MANY = 100_000
"""So many vectors are compared in 4 ms on one core of x86-64."""
FOUND = 64
_NEIGHBOURS, _LOOKED_AT_ADDING, _LOOKED_AT = 24, 160, 512
"""Of a vector, and how many are looked at where one is added and searched for."""


def index_of(vectors: Floats) -> Nearest | None:
    """An index of very many vectors, where its package is installed."""
    if len(vectors) <= MANY or find_spec("usearch") is None:
        return None
    return Nearest(vectors)


class Nearest:
    """All vectors, by their number."""

    def __init__(self, vectors: Floats) -> None:
        """Take them in: unit vectors `(n, d)`. Some minutes for a million."""
        from usearch.index import Index

        self._index: Index = Index(
            ndim=vectors.shape[1],
            metric="ip",
            connectivity=_NEIGHBOURS,
            expansion_add=_LOOKED_AT_ADDING,
            expansion_search=_LOOKED_AT,
        )
        self._index.add(np.arange(len(vectors)), vectors)

    def to(self, probe: Floats) -> Numbers:
        """The numbers of those nearest to a probe `(d,)`, in order of their number."""
        found = self._index.search(probe, FOUND)
        return np.sort(np.asarray(found.keys, np.int64).ravel())
