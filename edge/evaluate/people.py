"""Labelled pictures: whose they are, and of which group. Groups are asked of nobody at a door."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge.errors import UsageError, reason_of
from edge.evaluate.tables import read_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from edge.evaluate.stats import Indices
    from edge.records import Floats

_COLUMNS = ("image", "person", "group")


@dataclass(frozen=True, slots=True)
class Listed:
    """One picture of a list."""

    image: str
    """Path, relative to the list's folder."""
    person: str
    group: str = ""
    """Sex and group, or whatever strangers are to be alike in; empty: not known."""


def person_of(image: str) -> str:
    """Whose a picture is, where everybody's lie in a folder of their name."""
    return image.split("/", maxsplit=1)[0]


def read_people(path: Path) -> list[Listed]:
    """Read a table with the columns `image`, `person` and `group`.

    Raises:
        UsageError: it cannot be read, lacks a column or is empty.
    """
    try:
        rows = read_table(path)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"the table {path} cannot be read: {reason_of(error)}") from error
    if not rows or any(not rows[0].get(column) for column in _COLUMNS[:2]):
        raise UsageError(f"{path} wants the columns {', '.join(_COLUMNS)}, and a row a picture")
    return [Listed(*(row.get(column) or "" for column in _COLUMNS)) for row in rows]


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """Vectors of labelled faces."""

    vectors: Floats
    """`(n, d)` unit vectors."""
    people: Indices
    """`(n,)`: whose, numbered from 0."""
    groups: Indices
    """`(n,)`: places in `names`."""
    names: tuple[str, ...] = ("",)
    """Of the groups."""

    def __len__(self) -> int:
        return len(self.vectors)

    @classmethod
    def of(cls, vectors: Floats, listed: Sequence[Listed]) -> Faces:
        """Number the labels; a row of zeros, where no face was found, is left out."""
        found = np.flatnonzero(np.any(vectors != 0, axis=1))
        _, people = np.unique([listed[row].person for row in found], return_inverse=True)
        names, groups = np.unique([listed[row].group for row in found], return_inverse=True)
        return cls(vectors[found], people, groups, tuple(str(name) for name in names))

    def only(self, chosen: NDArray[np.bool_]) -> Faces:
        """These alone, as one group, their people numbered anew."""
        _, people = np.unique(self.people[chosen], return_inverse=True)
        return Faces(self.vectors[chosen], people, np.zeros(len(people), np.int64))

    @property
    def pictures(self) -> Indices:
        """How many each person has."""
        return np.bincount(self.people)
