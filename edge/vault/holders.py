"""Whose row and whose name is whose, while a list of people is obeyed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.errors import EnrolmentError
from edge.names import folded
from edge.vault.people import PersonRow

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from edge.roster.pages import Member


class Holders:
    """Everybody in the vault, by row and by name."""

    def __init__(self, rows: Iterable[PersonRow], central: Mapping[str, int]) -> None:
        """`central`: the rows of people from the centre, by their number there."""
        self._rows = {row.id: row for row in rows}
        # Not as it is stored: an older edge-door may have folded it otherwise.
        self._ids = {folded(row.name): number for number, row in self._rows.items()}
        self._central = dict(central)

    def copy(self) -> Holders:
        """The same, to try something with."""
        return Holders(self._rows.values(), self._central)

    def own(self, member: Member) -> PersonRow | None:
        """Somebody's row; None: they have none."""
        return self._rows.get(self._central.get(member.person, 0))

    def row(self, member: Member) -> PersonRow | None:
        """The same, where nobody else has the name that they should have.

        Raises:
            EnrolmentError: another has it.
        """
        row = self.own(member)
        holder = self._rows.get(self._ids.get(folded(member.name), 0))
        if holder is None or holder is row:
            return row
        if holder.id in self._central.values():
            raise EnrolmentError(
                f"somebody else from the people office is called {holder.name} here. Give one of "
                "them another name there, with `edge-door office rename`, and publish"
            )
        raise EnrolmentError(
            f"somebody who was enrolled at this door is called {holder.name}. Give one of them "
            "another name, with `edge-door people rename` here, or with `edge-door office rename` "
            "at the people office, and publish"
        )

    def free(self, row: PersonRow) -> None:
        """This row's name may be another's."""
        name = folded(row.name)
        if self._ids.get(name) == row.id:
            del self._ids[name]

    def put(self, number: int, member: Member, model: str) -> None:
        """Somebody was written there."""
        before = self._rows.get(number)
        if before is not None:
            self.free(before)
        name = folded(member.name)
        self._rows[number] = PersonRow(number, member.name, name, 0.0, 0, model, 0)
        self._ids[name] = number
        self._central[member.person] = number
