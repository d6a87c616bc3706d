"""Who resembles whom and is another person all the same: an operator said so, when, and why.

It travels in the envelope, which no broker reads; so whoever's changes has theirs sealed anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.names import folded

if TYPE_CHECKING:
    from edge.store import Store


class Lookalikes:
    """The book's record of them; whoever writes is inside a transaction of the book."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def accept(self, person: str, other: str, reason: str, now: float) -> None:
        """Somebody, by number, resembles somebody of that name."""
        row = person, other, reason, now
        self._store.query("INSERT OR REPLACE INTO lookalikes VALUES (?, ?, ?, ?)", row)
        self._seal_anew(person)

    def of(self, person: str) -> tuple[str, ...]:
        """Whom somebody resembles, by name."""
        rows = self._store.query(
            "SELECT other FROM lookalikes WHERE person = ? ORDER BY other", (person,)
        )
        return tuple(other for (other,) in rows)

    def renamed(self, before: str, after: str) -> None:
        """Somebody is called otherwise."""
        for person, other in self._with(before):
            self._store.query(
                "UPDATE OR REPLACE lookalikes SET other = ? WHERE person = ? AND other = ?",
                (after, person, other),
            )
            self._seal_anew(person)

    def forget(self, person: str, name: str) -> None:
        """Somebody was removed: what was said of them, too."""
        self._store.query("DELETE FROM lookalikes WHERE person = ?", (person,))
        for one, other in self._with(name):
            self._store.query("DELETE FROM lookalikes WHERE person = ? AND other = ?", (one, other))
            self._seal_anew(one)

    def _with(self, name: str) -> list[tuple[str, str]]:
        """Of whom it is said that they resemble somebody of that name, however it is written."""
        rows = self._store.query("SELECT person, other FROM lookalikes")
        return [(person, other) for person, other in rows if folded(other) == folded(name)]

    def _seal_anew(self, person: str) -> None:
        self._store.query("UPDATE people SET version = version + 1 WHERE person = ?", (person,))
