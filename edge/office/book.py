"""The office's book: doors, people, groups, and the last list that was made for each door.

Templates, cards and PINs lie in it encrypted (`edge.office.locker`).
"""

from __future__ import annotations

import json
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge.access.entries import objection
from edge.errors import RosterError, UsageError
from edge.names import did_you_mean, folded, proper_name
from edge.office.belonging import belong, entry
from edge.office.doors import Doors
from edge.office.erasures import Erasures
from edge.office.locker import Locker
from edge.office.lookalikes import Lookalikes
from edge.office.rows import SCHEMA, Person
from edge.office.sealing import Sealing
from edge.office.shelf import Shelf
from edge.roster.desired import Desired
from edge.roster.pages import spread
from edge.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from typing_extensions import Self

    from edge.roster.envelope import Content
    from edge.roster.pages import Member
    from edge.roster.report import Report


@dataclass(frozen=True, slots=True)
class Made:
    """What is to be published for one door."""

    desired: Desired
    members: tuple[Member, ...]
    left_out: Mapping[str, str]
    """By the person's number: why the door cannot have somebody who should be there."""


class Book:
    """The open book. One thread; one process at a time writes."""

    def __init__(self, path: Path, key: bytes, *, read_only: bool = False) -> None:
        """Open it, or begin one.

        `read_only`: for whoever only asks, also on a disk that only reads.

        Raises:
            RosterError: it is damaged, or another program's.
        """
        self._store = Store.open(path, SCHEMA, read_only=read_only)
        self._locker = Locker(key)
        self.doors = Doors(self._store)
        """Which the office trusts."""
        self.shelf = Shelf(self._store)
        """What lies on the broker."""
        self.erasures = Erasures(self._store)
        """Who was removed."""
        self.lookalikes = Lookalikes(self._store)
        """Who resembles whom."""
        self._sealing = Sealing(self._store, self._locker, self.shelf, self.lookalikes)

    def heard(self, report: Report) -> None:
        """Take in what a trusted door says. See `Doors.heard`."""
        with self._store.transaction():
            self.doors.heard(report)
            self.erasures.heard(report)

    def people(self) -> list[Person]:
        """Everybody, by name."""
        rows = self._store.query(
            "SELECT person, name, groups, schedule, expires, model FROM people ORDER BY name"
        )
        return [
            Person(p, n, tuple(json.loads(g)), tuple(json.loads(s)), e, m)
            for p, n, g, s, e, m in rows
        ]

    def person(self, name: str) -> Person:
        """The one of that name or number.

        Raises:
            UsageError: nobody, or several.
        """
        found = self._called(name)
        if not found:
            meant = did_you_mean(name, [one.name for one in self.people()])
            raise UsageError(f"nobody in this office's book is called {name!r}.{meant}")
        if len(found) > 1:
            numbers = ", ".join(one.person for one in found)
            raise UsageError(f"{len(found)} people are called {name!r}: {numbers}. Use a number.")
        return found[0]

    def _called(self, name: str) -> list[Person]:
        """Everybody of that name, however it is written, or of that number."""
        return [
            one for one in self.people() if name == one.person or folded(name) == folded(one.name)
        ]

    def add(self, person: Person, content: Content) -> Person:
        """Enrol somebody; returns them with their number."""
        numbered = replace(person, person=person.person or uuid.uuid4().hex)
        with self._changing():
            self._store.query(
                "INSERT INTO people VALUES (?, ?, ?, ?, ?, ?, ?, 1)",
                (*self._row(numbered), self._locker.lock(numbered, content)),
            )
        return numbered

    def take_in(self, person: Person, content: Content, *, replace_old: bool) -> Person:
        """`add`; or, with `replace_old`, another template for who has that name already.

        Raises:
            UsageError: somebody has the name, and is not to be replaced.
        """
        known = self._called(person.name)
        if not known:
            return self.add(person, content)
        if not replace_old:
            self.require_free(person.name)
        renewed = replace(person, person=self.person(person.name).person)
        self.change(known[0], renewed, content)
        return renewed

    def require_free(self, name: str) -> None:
        """See that nobody has that name.

        Raises:
            UsageError: somebody has.
        """
        for known in self._called(name):
            raise UsageError(
                f"{known.name} is in the book already: --replace renews their template."
            )

    def change(self, before: Person, after: Person, content: Content | None = None) -> None:
        """Write other groups, schedule, name or end, and a new template if there is one.

        Raises:
            UsageError: somebody else has changed or removed them since `before` was read.
        """
        with self._changing():
            if before not in self.people():
                raise UsageError(
                    f"{before.name} was changed by somebody else at this moment. Look at "
                    "`edge-door office people`, and say again what should be."
                )
            number, name, groups, schedule, expires, model = self._row(after)
            self._store.query(
                "UPDATE people SET name = ?, groups = ?, schedule = ?, expires = ? "
                "WHERE person = ?",
                (name, groups, schedule, expires, number),
            )
            if after.name != before.name:
                self.lookalikes.renamed(before.name, after.name)
            if content is not None:
                self._store.query(
                    "UPDATE people SET model = ?, content = ?, version = version + 1 "
                    "WHERE person = ?",
                    (model, self._locker.lock(after, content), number),
                )

    def rename(self, person: Person, name: str) -> Person:
        """Call somebody otherwise; returns them so.

        Raises:
            UsageError: it is no name, or another's; or as `change`.
        """
        after = replace(person, name=proper_name(name))
        if any(one.person != person.person for one in self._called(after.name)):
            raise UsageError(f"somebody else in the book is called {name}: two need two names.")
        self.change(person, after)
        return after

    def remove(self, person: Person) -> None:
        """Forget somebody here; the doors hear of it with their next list."""
        with self._changing():
            self.erasures.begin(person, time.time())
            self.lookalikes.forget(person.person, person.name)
            self._store.query("DELETE FROM people WHERE person = ?", (person.person,))

    def tell_apart(self, person: Person, other: str, reason: str) -> None:
        """Two people resemble each other: `other` may be known at a door alone."""
        both = self._called(other)
        with self._store.transaction():
            self.lookalikes.accept(person.person, other, reason, time.time())
            for one in both:
                self.lookalikes.accept(one.person, person.name, reason, time.time())

    def make(
        self, device: str, lease_s: float | None, now: float | None = None, answers: str = ""
    ) -> Made:
        """The list that a door should have, numbered after its last one.

        Its pages and envelopes are on the shelf. An envelope that the door has is sealed again
        only when its template has changed. `answers` is what a restored door asks.
        """
        now = time.time() if now is None else now
        with self._store.transaction():
            door = self.doors.find(device)
            members, left_out = [], {}
            for one in belong(self.people(), door, now):
                try:
                    members.append(self._sealing.entry(door, one))
                except RosterError as error:
                    left_out[one.person] = str(error)
            pages = spread(members)
            lease = None if lease_s is None else now + lease_s
            number = door.generation + 1
            desired = Desired(device, number, door.digest, now, lease, tuple(pages), answers)
            self.doors.listed(desired)
            self.shelf.hold(device, pages, [member.envelope for member in members])
            self.erasures.listed(device, desired.generation)
        return Made(desired, tuple(members), left_out)

    def left_out(self, device: str) -> dict[str, str]:
        """By the person's number: why a door cannot have somebody who should be there."""
        door = self.doors.find(device)
        there = belong(self.people(), door, time.time())
        problems = {one.person: self._sealing.problem(door, one) for one in there}
        return {person: why for person, why in problems.items() if why}

    def posted(self, device: str) -> None:
        """The broker has the door's list and all that it needs."""
        with self._store.transaction():
            self.shelf.posted(device)

    def cleared(self, device: str) -> None:
        """What the door's list does not need has been taken off the broker."""
        with self._store.transaction():
            self.shelf.cleared(device)

    def shelf_gone(self, device: str) -> None:
        """Nothing of a door is on the broker any more."""
        with self._store.transaction():
            self.shelf.hold(device, {}, ())
            self.shelf.cleared(device)

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with self._store.transaction():
            yield
        self._store.empty_log()

    @staticmethod
    def _row(person: Person) -> tuple[str, str, str, str, float | None, str]:
        why = objection(entry(person))
        if why:
            raise UsageError(f"{person.name} cannot stand on a list of people: {why}.")
        groups, schedule = json.dumps(sorted(person.groups)), json.dumps(list(person.schedule))
        return person.person, person.name, groups, schedule, person.expires, person.model

    def content(self, person: Person) -> Content:
        """Template, cards and PIN of somebody.

        Raises:
            RosterError: the row was changed, or the book is another office's.
        """
        return self._sealing.content(person)
