"""The rows of `people`, as the sealed store hands them over."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import UsageError
from edge.names import did_you_mean, folded, listed
from edge.vault.sealed import canonical

if TYPE_CHECKING:
    from edge.vault.sealed import Tables

TABLE = """CREATE TABLE people (
    id INTEGER PRIMARY KEY AUTOINCREMENT, -- never used again for someone else
    name TEXT NOT NULL,
    folded TEXT NOT NULL UNIQUE, -- see edge.names
    enrolled REAL NOT NULL,
    captures INTEGER NOT NULL,
    model TEXT NOT NULL,
    generation INTEGER NOT NULL,
    data_key BLOB NOT NULL, -- nonce, wrapped key
    vectors BLOB NOT NULL -- nonce, encrypted float32
) STRICT"""


@dataclass(frozen=True, slots=True)
class PersonRow:
    """One row, without its secrets."""

    id: int
    name: str
    folded: str
    enrolled: float
    captures: int
    model: str
    generation: int
    digest: bytes = b""
    """SHA-256 of the wrapped key and the encrypted vectors, which lie in the database alone."""

    def bound_to(self, device: str) -> bytes:
        """What the ciphers authenticate beside the secret."""
        return canonical(
            [device, self.id, self.name, self.enrolled, self.captures, self.model, self.generation]
        )


def people_rows(tables: Tables) -> list[PersonRow]:
    """Everybody, by name."""
    return sorted((PersonRow(*row) for row in tables["people"]), key=lambda row: row.folded)


def find(rows: list[PersonRow], name: str) -> PersonRow:
    """The row of that name, however it is written.

    Two may count as one who did not in an older edge-door: then whoever is spelt so.

    Raises:
        UsageError: nobody has that name; says who is enrolled.
    """
    found = [row for row in rows if folded(row.name) == folded(name)]
    if found:
        return next((row for row in found if row.name == name), found[0])
    names = [row.name for row in rows]
    meant = did_you_mean(name, names)
    raise UsageError(f"Nobody here is called {name!r}.{meant} Enrolled: {listed(names)}.")


def refuse_taken(rows: list[PersonRow], name: str) -> None:
    """See that nobody among `rows` has that name.

    Raises:
        UsageError: somebody has.
    """
    for row in rows:
        if folded(row.name) == folded(name):
            raise UsageError(
                f"{row.name} is enrolled already: `edge-door enroll --replace` renews their "
                "template. Somebody else needs another name."
            )
