"""Lists of pairs of pictures: of one person, and of two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.believed import read_written
from edge.errors import UsageError, reason_of

if TYPE_CHECKING:
    from pathlib import Path

_FOLDS = 10
_SAME_FIELDS, _DIFFERENT_FIELDS = 3, 4


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures (relative paths), whether they show one person, and the pair's fold."""

    one: str
    other: str
    same: bool
    fold: int


@dataclass(frozen=True, slots=True)
class Pairs:
    """A list of pairs, in its order."""

    pairs: tuple[Pair, ...]
    folded: bool
    """The list itself has folds; otherwise its pairs are dealt to ten in order."""

    @property
    def images(self) -> list[str]:
        """Every picture named, once."""
        return sorted({name for pair in self.pairs for name in (pair.one, pair.other)})


def read_pairs(path: Path) -> Pairs:
    """Read a list in the format of LFW's `pairs.txt`.

    `NAME N1 N2` is one person's pictures N1 and N2, `NAME1 N1 NAME2 N2` two people's; picture N of
    NAME is `NAME/NAME_000N.jpg`. A first line `FOLDS SIZE` announces folds of SIZE same and SIZE
    different pairs each; a first line with one number, or none, means that there are no folds.

    Raises:
        UsageError: the file cannot be read or a line is none of these.
    """
    rows = _rows(path)
    header = _header(rows)
    named = [_pair(path, number, fields) for number, fields in rows[bool(header) :]]
    kinds = [same for _, _, same in named]
    if len(set(kinds)) != 2:
        raise UsageError(f"{path} must list pairs of the same and of different people")
    folded = len(header) == 2
    if folded and not header[1]:
        raise UsageError(f"{path}, line 1: a fold has one pair of each kind or more, not 0")
    folds = [i // (2 * header[1]) for i in range(len(named))] if folded else _dealt(kinds)
    pairs = (Pair(*pair, fold) for pair, fold in zip(named, folds, strict=True))
    return Pairs(tuple(pairs), folded)


def _rows(path: Path) -> list[tuple[int, list[str]]]:
    """The lines that say something, with their numbers, in words."""
    try:
        lines = read_written(path).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the list of pairs {path} cannot be read: {reason_of(error)}") from error
    return [(number, line.split()) for number, line in enumerate(lines, 1) if line.strip()]


def _header(rows: list[tuple[int, list[str]]]) -> list[int]:
    """The numbers of a first line that has nothing else."""
    fields = rows[0][1] if rows else []
    return [int(f) for f in fields] if all(f.isdecimal() for f in fields) else []


def _pair(path: Path, number: int, fields: list[str]) -> tuple[str, str, bool]:
    if len(fields) == _SAME_FIELDS and fields[1].isdecimal() and fields[2].isdecimal():
        return _image(fields[0], fields[1]), _image(fields[0], fields[2]), True
    if len(fields) == _DIFFERENT_FIELDS and fields[1].isdecimal() and fields[3].isdecimal():
        return _image(fields[0], fields[1]), _image(fields[2], fields[3]), False
    raise UsageError(
        f"{path}, line {number}: want `NAME N1 N2` or `NAME1 N1 NAME2 N2`, not {' '.join(fields)!r}"
    )


def _image(name: str, number: str) -> str:
    return f"{name}/{name}_{int(number):04d}.jpg"


def _dealt(same: list[bool]) -> list[int]:
    """Folds with equal shares of both kinds."""
    seen = {True: 0, False: 0}
    folds = []
    for kind in same:
        folds.append(seen[kind] % _FOLDS)
        seen[kind] += 1
    return folds
