"""Everybody's templates in one block: a probe is compared with all by one multiplication."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, overload

import numpy as np
from typing_extensions import override

from edge.access.nearest import index_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.access.cohort import Cohort
    from edge.records import Floats, Template

NEAREST = 2
"""Captures that count, those most alike: with two, half as many people are turned away at the same
rate as with one, and one bad capture opens no door (94 actors, 5 and 8 captures)."""


class Gallery(Sequence["Template"]):
    """Templates, and what of a comparison with them does not depend on the probe.

    The block holds them by their number of captures, so that all of one number are a matrix.
    """

    def __init__(self, templates: Sequence[Template], cohort: Cohort) -> None:
        """Take templates of one model.

        Raises:
            CalibrationError: their vectors are not as long as the cohort's.
        """
        self._templates = tuple(templates)
        self.cohort = cohort
        self.models = frozenset(template.model for template in self._templates)
        by_captures = sorted(self._templates, key=_captures)
        self._groups = [(count, tuple(some)) for count, some in groupby(by_captures, _captures)]
        block = [template.vectors for template in by_captures]
        self._vectors: Floats = np.concatenate(block, dtype=np.float32) if block else _NONE
        self._crowding = cohort.crowding(self._vectors) if block else _NONE[:, 0]
        self._index = index_of(self._vectors)

    @overload
    def __getitem__(self, number: int) -> Template: ...
    @overload
    def __getitem__(self, number: slice) -> tuple[Template, ...]: ...
    @override
    def __getitem__(self, number: int | slice) -> Template | tuple[Template, ...]:
        return self._templates[number]

    @override
    def __len__(self) -> int:
        return len(self._templates)

    def scores(self, probe: Floats) -> Iterator[tuple[int, tuple[Template, ...], Floats, Floats]]:
        """How alike the probe is to every template, in turn for each number of captures.

        Of very many templates only to those that have one of the captures nearest to it, where the
        extra `many` is installed.

        Args:
            probe: `(d,)`, a unit vector.

        Yields:
            The number of captures; the templates that have it; of each the mean cosine of the
            `NEAREST` captures that count, and how crowded it is around them, both `(n,)`.
        """
        for captures, templates, cosines, crowding in self._beside(probe):
            counted = [cosines, crowding]
            if captures > NEAREST:
                count = np.argpartition(crowding - cosines, NEAREST - 1, axis=1)[:, :NEAREST]
                counted = [np.take_along_axis(each, count, axis=1) for each in counted]
            alike, crowded = (each.mean(axis=1) for each in counted)
            yield captures, templates, alike, crowded

    def _beside(self, probe: Floats) -> Iterator[tuple[int, tuple[Template, ...], Floats, Floats]]:
        """As `scores`, of each capture `(n, captures)`."""
        near = None if self._index is None else self._index.to(probe)
        cosines = self._vectors @ probe if near is None else _NONE[:, 0]
        first = 0
        for captures, templates in self._groups:
            end = first + captures * len(templates)
            if near is None:
                yield (
                    captures,
                    templates,
                    cosines[first:end].reshape(-1, captures),
                    self._crowding[first:end].reshape(-1, captures),
                )
            else:
                mine = np.unique((near[(near >= first) & (near < end)] - first) // captures)
                rows = first + mine[:, None] * captures + np.arange(captures)
                some = tuple(templates[number] for number in mine)
                if some:
                    yield captures, some, self._vectors[rows] @ probe, self._crowding[rows]
            first = end


def _captures(template: Template) -> int:
    return len(template.vectors)


_NONE = np.zeros((0, 1), np.float32)
