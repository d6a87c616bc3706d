"""Operators of the dashboard: who they are, what they may, and the audit of what they did."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from edge.errors import UsageError
from edge.fleet.database.tables import actions, operators, roles, sessions
from edge.fleet.kinds import Role
from edge.fleet.text import MAX_NAME, clean
from edge.fleet.web.networks import network_of
from edge.fleet.web.passwords import hash_password
from edge.fleet.web.roles import Grant, Rights

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

_MAX_TARGET = 200
MOST_REFUSALS = 100
"""Of the logins of one address within `REFUSALS_S` the audit tells of so many: who knocks without
end must not fill the disk or keep the collector from writing."""
REFUSALS_S = 900.0


@dataclass(frozen=True, slots=True)
class Operator:
    """Somebody who is logged in."""

    number: int
    name: str
    rights: Rights
    outside: bool
    """An OpenID provider says whether they may come in."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who did something, and from where, for the audit."""

    name: str
    address: str


def proper_operator_name(name: str) -> str:
    """A name as it may stand in lists.

    Raises:
        UsageError: empty, too long, or with control characters.
    """
    name = name.strip()
    if not 1 <= len(name) <= MAX_NAME or not name.isprintable():
        raise UsageError(f"an operator's name has 1 to {MAX_NAME} printable characters")
    return name


def add_operator(
    connection: Connection, name: str, password: str, grants: Iterable[Grant], now: float
) -> int:
    """A new operator; their number.

    Raises:
        UsageError: the name is taken or cannot be, or the password is too short.
    """
    row = {"name": proper_operator_name(name), "password": hash_password(password), "created": now}
    try:
        with connection.begin_nested():
            made = connection.execute(insert(operators).values(**row).returning(operators.c.id))
            number = int(made.scalar_one())
    except IntegrityError as error:
        raise UsageError(f"there is an operator {name} already") from error
    set_grants(connection, number, grants)
    return number


def outside_operator(
    connection: Connection, subject: str, name: str, grants: Iterable[Grant], now: float
) -> tuple[int, str] | None:
    """Whoever an OpenID provider knows as `subject`, with the roles they have today.

    Returns:
        Number and name here; None when they are disabled.

    Raises:
        UsageError: they are new, and somebody else has their name.
    """
    ours = operators.c.subject == subject
    row = connection.execute(select(operators).where(ours)).first()
    if row is not None and row.disabled:
        return None
    if row is not None:
        set_grants(connection, row.id, grants)
        return row.id, row.name
    nobody_knows = secrets.token_urlsafe(32)
    number = add_operator(connection, name, nobody_knows, grants, now)
    connection.execute(update(operators).where(operators.c.id == number).values(subject=subject))
    return number, proper_operator_name(name)


def set_grants(connection: Connection, number: int, grants: Iterable[Grant]) -> None:
    """Replace what an operator may do."""
    connection.execute(delete(roles).where(roles.c.operator_id == number))
    for grant in grants:
        row = {"operator_id": number, "group_id": grant.group, "role": grant.role.value}
        connection.execute(insert(roles).values(**row))


def set_password(connection: Connection, number: int, password: str) -> None:
    """A new password; every session of that operator ends.

    Raises:
        UsageError: it is too short.
    """
    ours = operators.c.id == number
    connection.execute(update(operators).where(ours).values(password=hash_password(password)))
    connection.execute(delete(sessions).where(sessions.c.operator_id == number))


def read_operator(connection: Connection, number: int) -> Operator | None:
    """An operator who may log in; None when there is none or they are disabled."""
    ours = (operators.c.id == number, operators.c.disabled.is_(False))
    row = connection.execute(select(operators).where(*ours)).first()
    if row is None:
        return None
    found = connection.execute(
        select(roles.c.role, roles.c.group_id).where(roles.c.operator_id == number)
    )
    grants = tuple(Grant(Role(each.role), each.group_id) for each in found)
    return Operator(row.id, row.name, Rights(grants), outside=row.subject is not None)


def write_action(
    connection: Connection,
    now: float,
    actor: Actor,
    verb: str,
    target: str,
    outcome: str = "done",
) -> None:
    """One row of the audit."""
    connection.execute(
        insert(actions).values(
            at=now,
            by=clean(actor.name, MAX_NAME),
            address=clean(actor.address, 64),
            verb=clean(verb, 40),
            target=clean(target, _MAX_TARGET),
            outcome=clean(outcome, _MAX_TARGET),
        )
    )


def write_refusal(
    connection: Connection, now: float, actor: Actor, how: str, outcome: str = "refused"
) -> None:
    """One row of the audit for somebody who could not log in, if there are not many already."""
    actor = replace(actor, address=network_of(actor.address))
    lately = (
        actions.c.at.between(now - REFUSALS_S, now),
        actions.c.verb == "login",
        actions.c.address == actor.address,
    )
    count = select(func.count()).select_from(actions).where(*lately)
    if connection.execute(count).scalar_one() < MOST_REFUSALS:
        write_action(connection, now, actor, "login", how, outcome)
