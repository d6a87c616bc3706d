"""One's own account: the password, and the keys that sign commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from edge.access.operators import proper_key
from edge.errors import UsageError
from edge.fleet.database.tables import keys, operators, passkeys
from edge.fleet.text import MAX_NAME
from edge.fleet.web.entry import Entry
from edge.fleet.web.operators import set_password
from edge.fleet.web.passwords import LONGEST, password_fits
from edge.fleet.web.roles import Verb

if TYPE_CHECKING:
    from starlette.responses import Response

    from edge.fleet.web.visit import Visit

MOST_KEYS = 10


def account(visit: Visit) -> Response:
    """The page."""
    mine = keys.c.operator_id == visit.operator.number
    found = visit.connection.execute(select(keys).where(mine).order_by(keys.c.created)).all()
    held = passkeys.c.operator_id == visit.operator.number
    made = visit.connection.execute(select(passkeys).where(held).order_by(passkeys.c.created)).all()
    return visit.page("account.html", keys=found, passkeys=made, may_command=_may(visit))


def password(visit: Visit) -> Response:
    """Another password; every session ends."""
    ours = operators.c.id == visit.operator.number
    stored = visit.connection.execute(select(operators.c.password).where(ours)).scalar_one()
    if not visit.site.may_try_password(visit.operator.number):
        raise UsageError("the old password was said too often: wait a minute")
    if not password_fits(visit.text("old", LONGEST), stored):
        raise UsageError("the old password is another one")
    set_password(visit.connection, visit.operator.number, visit.text("new", LONGEST))
    visit.note("password", visit.operator.name)
    return visit.back("/login")


def add_key(visit: Visit) -> Response:
    """A public key whose commands this operator may send."""
    text, label = visit.text("public", 64), visit.text("label", MAX_NAME)
    proper_key(text)
    mine = keys.c.operator_id == visit.operator.number
    if len(visit.connection.execute(select(keys).where(mine)).all()) >= MOST_KEYS:
        raise UsageError(f"{MOST_KEYS} keys are enough: remove one first")
    taken = visit.connection.execute(select(keys).where(keys.c.public == text)).first()
    if taken is not None:
        raise UsageError("that key is here already")
    row = {"public": text, "operator_id": visit.operator.number, "label": label}
    visit.connection.execute(insert(keys).values(**row, created=visit.now))
    visit.note("key", text, f"added: {label}")
    return visit.back("/account")


def remove_key(visit: Visit) -> Response:
    """A key that is no longer used here; doors that list it still know it."""
    text = visit.text("public", 64)
    mine = (keys.c.operator_id == visit.operator.number, keys.c.public == text)
    visit.connection.execute(delete(keys).where(*mine))
    visit.note("key", text, "removed")
    return visit.back("/account")


def _may(visit: Visit) -> bool:
    return visit.operator.rights.anywhere(Verb.COMMAND)


ENTRIES = (
    Entry("GET", "/account", account, Verb.SEE),
    Entry("POST", "/account/password", password, Verb.SEE),
    Entry("POST", "/account/keys", add_key, Verb.COMMAND),
    Entry("POST", "/account/keys/remove", remove_key, Verb.COMMAND),
)
