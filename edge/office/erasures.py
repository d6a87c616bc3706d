"""Who was removed, and what each door that had them says: the answer to an erasure request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.errors import UsageError
from edge.names import folded

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
        """Somebody is removed: every door that they were ever sealed for must have forgotten them.

        A door that was stolen had them as well, and will not.
        """
        row = person.person, person.name, now
        self._store.query("INSERT OR REPLACE INTO removed VALUES (?, ?, ?)", row)

    def listed(self, device: str, generation: int) -> None:
        """A list is made for a door, and what it needs is on the shelf."""
        self._store.query(
            "INSERT OR REPLACE INTO known SELECT device, person, NULL, NULL, 0 FROM pieces "
            "WHERE device = ? AND needed AND person != '' AND sealed = ?",
            (device, generation),
        )
        self._store.query(
            "UPDATE known SET generation = ? WHERE device = ? AND generation IS NULL "
            "AND person NOT IN (SELECT person FROM pieces WHERE device = ? AND needed)",
            (generation, device, device),
        )

    def heard(self, report: Report) -> None:
        """Take in a door's receipts, also of who was moved away and may be removed later.

        One that came before the door had heard of it is of an earlier time: they were there again.
        """
        self._store.query(
            "UPDATE known SET obeyed = 1 WHERE device = ? AND generation <= ?",
            (report.device, report.generation),
        )
        for person, at in report.erased.items():
            self._store.query(
                "UPDATE known SET forgotten = ? WHERE device = ? AND person = ? "
                "AND forgotten IS NULL AND generation <= ?",
                (at, report.device, person, report.generation),
            )

    def all(self) -> list[Erasure]:
        """Everybody removed whom a door was to know, the newest first, door by door."""
        rows = self._store.query(
            "SELECT person, name, asked, device, generation, forgotten, obeyed "
            "FROM removed JOIN known USING (person) ORDER BY asked DESC, person, device"
        )
        return [Erasure(*row) for row in rows]

    def named(self, name: str) -> list[str]:
        """The numbers of whoever was removed and had that name or number.

        Raises:
            UsageError: nobody had.
        """
        removed = self._store.query("SELECT person, name FROM removed")
        found = [p for p, n in removed if name == p or folded(name) == folded(n)]
        if not found:
            raise UsageError(
                f"nobody called {name!r} was removed from this office's book. `edge-door office "
                "people` shows who is in it, `edge-door office erased` alone who was removed"
            )
        return found
