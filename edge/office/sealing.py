"""Somebody's entry on a door's list, and the envelope with it: sealed once for each template."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from edge.access.entries import objection
from edge.errors import RosterError
from edge.office.belonging import entry
from edge.roster.envelope import Address, Content, seal

if TYPE_CHECKING:
    from edge.office.locker import Locker
    from edge.office.lookalikes import Lookalikes
    from edge.office.rows import Door, Person
    from edge.office.shelf import Shelf
    from edge.roster.pages import Member
    from edge.store import Store


class Sealing:
    """The book's part of it; whoever has an entry made is inside a transaction of the book."""

    def __init__(self, store: Store, locker: Locker, shelf: Shelf, lookalikes: Lookalikes) -> None:
        self._store = store
        self._locker = locker
        self._shelf = shelf
        self._lookalikes = lookalikes

    def content(self, person: Person) -> Content:
        """Template, cards and PIN of somebody.

        Raises:
            RosterError: the row was changed, or the book is another office's.
        """
        ((secret,),) = self._store.query(
            "SELECT content FROM people WHERE person = ?", (person.person,)
        )
        return self._locker.open(person, secret)

    def entry(self, door: Door, person: Person) -> Member:
        """How somebody stands on a door's next list; their envelope is on the shelf.

        Raises:
            RosterError: the door cannot have them; they must not keep it from any other.
        """
        _require_readable(door, person)
        version, found = self._sealed(door, person)
        if found is None:
            found = self._seal(door, person, version)
        return entry(person, *found)

    def problem(self, door: Door, person: Person) -> str:
        """Why a door cannot have somebody; empty: it can. Seals nothing."""
        try:
            _require_readable(door, person)
            if self._sealed(door, person)[1] is None:
                self.content(person)
        except RosterError as error:
            return str(error)
        return ""

    def _sealed(self, door: Door, person: Person) -> tuple[int, tuple[int, str] | None]:
        """The template's version; for which generation it was sealed for a door, and the hash."""
        ((version,),) = self._store.query(
            "SELECT version FROM people WHERE person = ?", (person.person,)
        )
        return version, self._shelf.envelope(door, person.person, version)

    def _seal(self, door: Door, person: Person, version: int) -> tuple[int, str]:
        sealed = door.generation + 1
        address = Address(door.device, person.person, person.model, sealed)
        content = replace(self.content(person), resembles=self._lookalikes.of(person.person))
        envelope = seal(content, door.key, address)
        return sealed, self._shelf.put_envelope(door, person.person, version, sealed, envelope)


def _require_readable(door: Door, person: Person) -> None:
    if person.model != door.model:
        raise RosterError(
            f"{person.name} was enrolled with another network than {door.device} uses: enrol them "
            "again with that one"
        )
    why = objection(entry(person))
    if why:
        raise RosterError(f"no door could read the entry of {person.name}: {why}")
