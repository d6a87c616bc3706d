"""Who resembles whom and is another person all the same: an operator said so, when, and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

    def of(self, person: str) -> tuple[str, ...]:
        """Whom somebody resembles, by name."""
        rows = self._store.query(
            "SELECT other FROM lookalikes WHERE person = ? ORDER BY other", (person,)
        )
        return tuple(other for (other,) in rows)

    def renamed(self, before: str, after: str) -> None:
        """Somebody is called otherwise."""
        self._store.query(
            "UPDATE OR REPLACE lookalikes SET other = ? WHERE other = ?", (after, before)
        )

    def forget(self, person: str, name: str) -> None:
        """Somebody was removed: what was said of them, too."""
        self._store.query("DELETE FROM lookalikes WHERE person = ? OR other = ?", (person, name))
