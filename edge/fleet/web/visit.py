"""One request, as a page sees it: who asks, for what, with the database in hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import false, func, select, true
from starlette.responses import HTMLResponse, RedirectResponse

from edge.errors import UsageError
from edge.fleet.database.tables import alarms, devices
from edge.fleet.text import MAX_TEXT
from edge.fleet.web.operators import Actor, write_action
from edge.fleet.web.roles import Verb

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection
    from starlette.responses import Response

    from edge.fleet.database.rows import DoorRow
    from edge.fleet.web.operators import Operator
    from edge.fleet.web.sessions import Session
    from edge.fleet.web.site import Site

MAX_DIGITS = 18
"""Of a number that names a row: more, and no database takes it."""
_PAGES = (
    ("/", "Doors", Verb.SEE),
    ("/alarms", "Alarms", Verb.SEE),
    ("/history", "History", Verb.SEE),
    ("/charts", "Charts", Verb.SEE),
    ("/muster", "People", Verb.SEE_PEOPLE),
    ("/commands", "Commands", Verb.SEE),
    ("/health", "Health", Verb.SEE),
    ("/setup", "Settings", Verb.SET_UP),
)


class NotAllowedError(Exception):
    """The operator may not do this."""


class NotFoundError(Exception):
    """There is no such page or thing."""


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of somebody who is logged in."""

    site: Site
    connection: Connection
    batch: int
    """The transaction's number in the feed, for what it changes; 0 when it only reads."""
    operator: Operator
    session: Session
    address: str
    now: float
    at: str
    """The page's address, for the navigation."""
    origin: str
    """Where the browser believes to be."""
    path: Mapping[str, str]
    query: Mapping[str, str]
    form: Mapping[str, Sequence[str]]

    def page(self, template: str, **values: object) -> Response:
        """A page for people."""
        return HTMLResponse(self.site.render(template, visit=self, **values))

    def pages(self) -> list[tuple[str, str]]:
        """The navigation: what this operator can open."""
        return [
            (address, name) for address, name, verb in _PAGES if self.operator.rights.anywhere(verb)
        ]

    def waiting(self) -> int:
        """Alarms that nobody has acknowledged yet."""
        count = (
            select(func.count())
            .select_from(alarms)
            .join(devices, devices.c.id == alarms.c.device)
            .where(alarms.c.acknowledged.is_(None), self.visible())
        )
        return int(self.connection.execute(count).scalar_one())

    def may_somewhere(self, verb: str) -> bool:
        """Whether a button is shown at all."""
        return self.operator.rights.anywhere(Verb(verb))

    def back(self, to: str) -> Response:
        """After a form: to a page of ours."""
        return RedirectResponse(to, status_code=303)

    def text(self, name: str, longest: int = MAX_TEXT, *, needed: bool = True) -> str:
        """A field of the form.

        Raises:
            UsageError: it is missing, too long, or holds control characters.
        """
        value = (self.form.get(name) or [""])[0].strip()
        if (needed and not value) or len(value) > longest or not (value.isprintable() or not value):
            raise UsageError(f"{name} needs 1 to {longest} printable characters")
        return value

    def number(self, name: str) -> int | None:
        """A field of the form that names a row; None when it is empty.

        Raises:
            UsageError: it is no number.
        """
        value = self.text(name, MAX_DIGITS, needed=False)
        if not value:
            return None
        if not (value.isascii() and value.isdigit()):
            raise UsageError(f"{name} is not a number")
        return int(value)

    def door(self, verb: Verb) -> DoorRow:
        """The door that the address names, if the operator may do this there.

        Raises:
            NotFoundError: there is none, or they may not even see it.
            NotAllowedError: they may see it, and not do this.
        """
        return self.door_named(self.path["door"], verb)

    def door_named(self, name: str, verb: Verb) -> DoorRow:
        """As `door`, by its id."""
        found = self.connection.execute(select(devices).where(devices.c.id == name)).first()
        if found is None or not self.operator.rights.may(Verb.SEE, found.group_id):
            raise NotFoundError
        if not self.operator.rights.may(verb, found.group_id):
            raise NotAllowedError
        return found

    def visible(self, verb: Verb = Verb.SEE) -> ColumnElement[bool]:
        """The condition on `devices` for those where the operator may do this."""
        groups = self.operator.rights.groups(verb)
        if groups is None:
            return true()
        return devices.c.group_id.in_(groups) if groups else false()

    def note(self, verb: str, target: str, outcome: str = "done") -> None:
        """One row of the audit."""
        actor = Actor(self.operator.name, self.address)
        write_action(self.connection, self.now, actor, verb, target, outcome)
