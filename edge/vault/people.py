"""The rows of `people`, as the sealed store hands them over."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import EnrolmentError, UsageError
from edge.vault.sealed import canonical

if TYPE_CHECKING:
    from edge.vault.sealed import Tables

TABLE = """CREATE TABLE people (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again for someone else
    name TEXT NOT NULL,
    folded TEXT NOT NULL UNIQUE, -- the name without case
    enrolled REAL NOT NULL,
    captures INTEGER NOT NULL,
    model TEXT NOT NULL,
    generation INTEGER NOT NULL,
    data_key BLOB NOT NULL, -- nonce, wrapped key
    vectors BLOB NOT NULL -- nonce, encrypted float32
) STRICT"""


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One row, column by column."""

    id: int
    name: str
    folded: str
    enrolled: float
    captures: int
    model: str
    generation: int
    data_key: bytes = b""
    vectors: bytes = b""

    def bound_to(self, device: str) -> bytes:
        """What the ciphers authenticate beside the secret."""
        return canonical(
            [device, self.id, self.name, self.enrolled, self.captures, self.model, self.generation]
        )


def people_rows(tables: Tables) -> list[PersonRow]:
    """Everybody, by name."""
    return sorted((PersonRow(*row) for row in tables["people"]), key=lambda row: row.folded)


def find(rows: list[PersonRow], name: str) -> PersonRow:
    """The row of that name, whatever its case.

    Raises:
        UsageError: nobody has that name; says who is enrolled.
    """
    for row in rows:
        if row.folded == folded(name):
            return row
    enrolled = ", ".join(row.name for row in rows) or "nobody"
    raise UsageError(f"Nobody here is called {name!r}. Enrolled: {enrolled}.")


def refuse_taken(rows: list[PersonRow], name: str) -> None:
    """See that nobody among `rows` has that name.

    Raises:
        EnrolmentError: somebody has.
    """
    for row in rows:
        if row.folded == folded(name):
            raise EnrolmentError(
                f"{row.name} is enrolled already. Choose another name, or remove them first."
            )


def folded(name: str) -> str:
    """What two names have in common that are to count as one."""
    return unicodedata.normalize("NFKC", name).casefold()
