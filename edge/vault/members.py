"""Who is known from the centre: beside their row in `people`, their number, schedule and end.

Whoever was enrolled at this door is none of the centre's business: a list neither removes nor
changes them, and a member with their name is refused.
"""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from edge.errors import EdgeDoorError, EnrolmentError, UsageError
from edge.names import folded, proper_name
from edge.records import Template
from edge.roster.pages import Member
from edge.roster.plan import Head
from edge.vault.holders import Holders
from edge.vault.people import people_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from edge.roster.envelope import Content
    from edge.roster.plan import Plan
    from edge.vault.credentials import Credentials
    from edge.vault.people import PersonRow
    from edge.vault.sealed import SealedStore, Tables
    from edge.vault.templates import Templates

_Wanted = tuple[Member, "Content | None"]
"""How somebody should be known; without content with the template that is here."""
TABLES = (
    """CREATE TABLE members (
        id INTEGER PRIMARY KEY REFERENCES people (id) ON DELETE CASCADE,
        person TEXT NOT NULL UNIQUE, -- their number at the people office
        envelope TEXT NOT NULL, -- hash of the one that was opened
        sealed INTEGER NOT NULL,
        schedule TEXT NOT NULL, -- JSON
        expires REAL
    ) STRICT""",
    """CREATE TABLE roster (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        generation INTEGER NOT NULL, -- of the newest list obeyed
        digest TEXT NOT NULL,
        lease REAL
    ) STRICT""",
)


class Members:
    """The centre's part of a vault; get it from `Vault.members`.

    Every method raises VaultError as the vault's own do.
    """

    def __init__(self, store: SealedStore, templates: Templates, credentials: Credentials) -> None:
        self._store = store
        self._templates = templates
        self._credentials = credentials

    def head(self) -> Head:
        """The newest list obeyed."""
        with self._store.reading() as tables:
            return _head(tables)

    def held(self) -> dict[str, Member]:
        """Everybody known from the centre, by their number there."""
        with self._store.reading() as tables:
            return _held(tables)

    def has(self, name: str) -> bool:
        """Whether somebody of that name is from the centre."""
        return folded(name) in {folded(member.name) for member in self.held().values()}

    def refuse(self, name: str) -> None:
        """See that a change at this door is to nobody from the centre.

        Raises:
            UsageError: it is; the office decides.
        """
        if self.has(name):
            raise UsageError(
                f"{name} is known here from the people office: change them there, with "
                "`edge-door office`."
            )

    def obey(
        self, plan: Plan, opened: Sequence[tuple[Member, Content]], model: str
    ) -> dict[str, str]:
        """Forget, change and take in whom a list says: all of it, or nothing if it breaks.

        Args:
            plan: What must change.
            opened: Of the people whom it wants, those whose envelope has come.
            model: SHA-256 of the network that made their vectors.

        Returns:
            Who could not be taken in, by number, and why. The list counts as obeyed all the same.
        """
        with self._store.changing() as tables:
            ids = {person: number for number, person, *_ in tables["members"]}
            gone = {ids[person] for person in plan.removed}
            for number in gone:
                self._store.query("DELETE FROM people WHERE id = ?", (number,))
            rows = [row for row in people_rows(tables) if row.id not in gone]
            here = Holders(rows, ids)
            came = {member.person for member, _ in opened}
            known = (member for member in plan.updated if member.person not in came)
            wanted: list[_Wanted] = [(member, None) for member in known]
            refused = self._change([*wanted, *opened], here, model)
            head = plan.head
            self._store.query(
                "INSERT OR REPLACE INTO roster VALUES (1, ?, ?, ?)",
                (head.generation, head.digest, head.lease),
            )
        return refused

    def _change(self, wanted: Sequence[_Wanted], here: Holders, model: str) -> dict[str, str]:
        """Write each. Names and cards may go from one to another within a list, or be exchanged."""
        refused = self._write_each(wanted, here, model)
        left = [one for one in wanted if one[0].person in refused]
        while left:
            self._store.query("SAVEPOINT handing_on")
            found = self._write_each(left, self._given_up(left, here), model)
            if not found:
                self._store.query("RELEASE handing_on")
                for member, _ in left:
                    del refused[member.person]
                break
            self._store.query("ROLLBACK TO handing_on")
            self._store.query("RELEASE handing_on")
            refused |= found
            left = [one for one in left if one[0].person not in found]
        return refused

    def _write_each(self, wanted: Sequence[_Wanted], here: Holders, model: str) -> dict[str, str]:
        refused: dict[str, str] = {}
        for member, content in wanted:
            with self._alone(member, refused):
                number = self._take_in(here.row(member), member, content, model)
                here.put(number, member, model)
        return refused

    def _given_up(self, wanted: Iterable[_Wanted], here: Holders) -> Holders:
        """As if they had let go of names that change, and of their cards and PINs."""
        there = here.copy()
        for member, content in wanted:
            row = there.own(member)
            if row is not None and folded(row.name) != folded(member.name):
                there.free(row)
                nobodys = f"\n{row.id}", row.id
                self._store.query("UPDATE people SET folded = ? WHERE id = ?", nobodys)
            if row is not None and content is not None:
                self._store.query("DELETE FROM credentials WHERE person = ?", (row.id,))
        return there

    @contextmanager
    def _alone(self, member: Member, refused: dict[str, str]) -> Iterator[None]:
        """Change one of them, or note why not: whatever is wrong with them stops no other."""
        self._store.query("SAVEPOINT member")
        try:
            yield
        except EdgeDoorError as error:
            self._store.query("ROLLBACK TO member")
            self._store.query(  # hours and end count, whatever is wrong with the rest
                "UPDATE members SET schedule = ?, expires = ? WHERE person = ?",
                (json.dumps(member.schedule), member.expires, member.person),
            )
            refused[member.person] = f"{member.name} is not taken in: {error}"
        self._store.query("RELEASE member")

    def _take_in(
        self,
        row: PersonRow | None,
        member: Member,
        content: Content | None,
        model: str,
    ) -> int:
        """Write one of them; returns the row's id. Without content the template stays."""
        name = proper_name(member.name)
        if row is None:
            number = self._templates.insert(
                name, time.time(), self._template(row, name, content, model)
            )
        else:
            number = row.id
            if content is not None or name != row.name:
                template = self._template(row, name, content, model)
                self._templates.update(row, name, time.time(), template)
        if content is not None:
            self._credentials.give(number, content.cards, content.pin)
        self._write(number, member)
        return number

    def _template(
        self, row: PersonRow | None, name: str, content: Content | None, model: str
    ) -> Template:
        if content is not None:
            return self._templates.turned(Template(name, content.vectors, model))
        if row is None:
            raise EnrolmentError(f"{name}: the envelope has not come.")
        return Template(name, self._templates.read(row), row.model)

    def _write(self, number: int, member: Member) -> None:
        self._store.query(
            "INSERT OR REPLACE INTO members VALUES (?, ?, ?, ?, ?, ?)",
            (
                number,
                member.person,
                member.envelope,
                member.sealed,
                json.dumps(member.schedule),
                member.expires,
            ),
        )


def _head(tables: Tables) -> Head:
    for _, generation, digest, lease in tables["roster"]:  # none, or one
        return Head(generation, digest, lease)
    return Head()


def _held(tables: Tables) -> dict[str, Member]:
    names: Mapping[int, str] = {row.id: row.name for row in people_rows(tables)}
    return {
        person: Member(person, names[number], envelope, sealed, tuple(json.loads(hours)), expires)
        for number, person, envelope, sealed, hours, expires in tables["members"]
    }
