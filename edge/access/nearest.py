"""Among more templates than can be compared in time: those that match a probe best, by an index.

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

MANY = 250_000
"""So many vectors of 384 numbers are compared in 12 ms on one core of x86-64."""
FOUND = 64
_NEIGHBOURS, _LOOKED_AT_ADDING, _LOOKED_AT = 24, 160, 2048
"""Of a vector, and how many are looked at where one is added and searched for."""
_ROOTS = 10_000
"""So many are added one after the other. Threads that begin a graph together miss each other's
vectors: 1 of 36 graphs of 2,000 missed 12 of 100."""


def index_of(vectors: Floats, crowding: Floats) -> Nearest | None:
    """An index of very many vectors, where its package is installed."""
    if len(vectors) <= MANY or find_spec("usearch") is None:
        return None
    return Nearest(vectors, crowding)


class Nearest:
    """All vectors, by their number.

    What counts is the cosine less what the template's own face takes off (its crowding), so that is
    one number more of each vector: without it the best one is often not among the nearest.
    """

    def __init__(self, vectors: Floats, crowding: Floats) -> None:
        """Take in unit vectors `(n, d)` and their crowding `(n,)`. Minutes."""
        from usearch.index import Index

        places = np.column_stack([vectors, -crowding])
        self._index: Index = Index(
            ndim=places.shape[1],
            metric="ip",
            connectivity=_NEIGHBOURS,
            expansion_add=_LOOKED_AT_ADDING,
            expansion_search=_LOOKED_AT,
        )
        numbers = np.arange(len(places))
        self._index.add(numbers[:_ROOTS], places[:_ROOTS], threads=1)
        if len(places) > _ROOTS:
            self._index.add(numbers[_ROOTS:], places[_ROOTS:])

    def to(self, probe: Floats) -> Numbers:
        """The numbers of those that match a probe `(d,)` best, in order of their number."""
        found = self._index.search(np.append(probe, np.float32(1)), FOUND)
        return np.sort(np.asarray(found.keys, np.int64).ravel())
