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
from edge.names import folded
from edge.records import Template
from edge.roster.pages import Member
from edge.roster.plan import Head
from edge.vault.people import PersonRow, people_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from edge.roster.envelope import Content
    from edge.roster.plan import Plan
    from edge.vault.credentials import Credentials
    from edge.vault.sealed import SealedStore, Tables
    from edge.vault.templates import Templates

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

    def __init__(
        self,
        store: SealedStore,
        templates: Templates,
        credentials: Credentials,
        proper_name: Callable[[str], str],
    ) -> None:
        self._store = store
        self._templates = templates
        self._credentials = credentials
        self._proper_name = proper_name

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
            here = _Here(rows, ids)
            came = {member.person for member, _ in opened}
            known = [(member, None) for member in plan.updated if member.person not in came]
            refused = self._change([*known, *opened], here, model)
            head = plan.head
            self._store.query(
                "INSERT OR REPLACE INTO roster VALUES (1, ?, ?, ?)",
                (head.generation, head.digest, head.lease),
            )
        return refused

    def _change(
        self, wanted: Sequence[tuple[Member, Content | None]], here: _Here, model: str
    ) -> dict[str, str]:
        """Write each; whose name or card another has is tried again once others changed theirs."""
        refused: dict[str, str] = {}
        for member, content in wanted:
            with self._alone(member, refused):
                row = here.row(member)
                number = self._take_in(row, member, content, model)
                here.put(number, member, model)
        again = [one for one in wanted if one[0].person in refused]
        return refused if len(again) == len(wanted) else self._change(again, here, model)

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
        name = self._proper_name(member.name)
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


class _Here:
    """Everybody in the vault, by row and by name, while a list is obeyed."""

    def __init__(self, rows: Iterable[PersonRow], central: dict[str, int]) -> None:
        """`central`: the rows of people from the centre, by their number there."""
        self._rows = {row.id: row for row in rows}
        self._ids = {row.folded: number for number, row in self._rows.items()}
        self._central = central

    def row(self, member: Member) -> PersonRow | None:
        """Somebody's row; None: they have none.

        Raises:
            EnrolmentError: another has the name that they should have.
        """
        row = self._rows.get(self._central.get(member.person, 0))
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

    def put(self, number: int, member: Member, model: str) -> None:
        """Somebody was written there."""
        before = self._rows.get(number)
        if before is not None:
            del self._ids[before.folded]
        name = folded(member.name)
        self._rows[number] = PersonRow(number, member.name, name, 0.0, 0, model, 0)
        self._ids[name] = number
        self._central[member.person] = number


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
