"""Who was removed, and what each door that had them says: the answer to an erasure request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge.office.rows import Person
    from edge.roster.report import Report
    from edge.store import Store


@dataclass(frozen=True, slots=True)
class Erasure:
    """Somebody at one door that was to know them."""

    person: str
    name: str
    asked: float
    """When the office removed them, seconds since the Unix epoch."""
    device: str
    generation: int | None
    """Of the door's first list without them; None: not published yet."""
    forgotten: float | None
    """When the door forgot them, by its own receipt; None: it has given none."""
    obeyed: int
    """1 when the door says that it obeys a list without them."""


class Erasures:
    """The book's record of them; whoever writes is inside a transaction of the book."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def begin(self, person: Person, now: float) -> None:
        """Somebody is removed: every door with an envelope of theirs must forget them.

        A door that was stolen had them as well, and will not.
        """
        self._store.query(
            "INSERT INTO erasures SELECT ?, ?, ?, device, NULL, NULL, 0 FROM ("
            "SELECT device FROM pieces WHERE person = ? "
            "UNION SELECT device FROM beyond WHERE person = ?)",
            (person.person, person.name, now, person.person, person.person),
        )

    def listed(self, device: str, generation: int) -> None:
        """A list without them is made for a door."""
        self._store.query(
            "UPDATE erasures SET generation = ? WHERE device = ? AND generation IS NULL",
            (generation, device),
        )

    def heard(self, report: Report) -> None:
        """Take in a door's receipts.

        One that came before the door had heard of it is of an earlier time: they were there again.
        """
        self._store.query(
            "UPDATE erasures SET obeyed = 1 WHERE device = ? AND generation <= ?",
            (report.device, report.generation),
        )
        for person, at in report.erased.items():
            self._store.query(
                "UPDATE erasures SET forgotten = ? WHERE device = ? AND person = ? "
                "AND forgotten IS NULL AND generation <= ?",
                (at, report.device, person, report.generation),
            )

    def all(self) -> list[Erasure]:
        """Everybody removed, the newest first, door by door."""
        rows = self._store.query(
            "SELECT person, name, asked, device, generation, forgotten, obeyed FROM erasures "
            "ORDER BY asked DESC, person, device"
        )
        return [Erasure(*row) for row in rows]
