"""Who may use the dashboard, and what everybody did."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from edge.errors import UsageError
from edge.fleet.database.tables import (
    actions,
    groups,
    keys,
    operators,
    passkeys,
    roles,
    sessions,
)
from edge.fleet.kinds import Role
from edge.fleet.text import MAX_NAME
from edge.fleet.web.entry import Entry, Where
from edge.fleet.web.operators import add_operator, set_grants, set_password
from edge.fleet.web.passwords import LONGEST
from edge.fleet.web.roles import Grant, Verb

if TYPE_CHECKING:
    from starlette.responses import Response

    from edge.fleet.web.visit import Visit

A_PAGE = 300


def listed(visit: Visit) -> Response:
    """Operators, their roles and the keys that they sign commands with."""
    run = visit.connection.execute
    held: dict[int, list[object]] = {}
    named = select(roles, groups.c.name.label("group")).join(
        groups, groups.c.id == roles.c.group_id, isouter=True
    )
    for row in run(named):
        held.setdefault(row.operator_id, []).append(row)
    return visit.page(
        "operators.html",
        operators=run(select(operators).order_by(operators.c.name)).all(),
        held=held,
        groups=run(select(groups).order_by(groups.c.name)).all(),
        roles=[role.value for role in Role],
        keys=run(
            select(keys, operators.c.name)
            .join(operators, operators.c.id == keys.c.operator_id)
            .order_by(operators.c.name)
        ).all(),
    )


def add(visit: Visit) -> Response:
    """Somebody new."""
    name = visit.text("name", MAX_NAME)
    password = visit.text("password", LONGEST)
    add_operator(visit.connection, name, password, [_grant(visit)], visit.now)
    visit.note(Verb.MANAGE_OPERATORS.value, name, "added")
    return visit.back("/operators")


def change(visit: Visit) -> Response:
    """Another role, another password, or no way in any more."""
    number = visit.number("operator")
    found = visit.connection.execute(select(operators).where(operators.c.id == number)).first()
    if found is None:
        raise UsageError("there is no such operator")
    task = visit.text("task", 16)
    if found.id == visit.operator.number and task != "password":
        raise UsageError("nobody takes their own rights away: ask another administrator")
    if task == "role":
        set_grants(visit.connection, found.id, [_grant(visit)])
    elif task == "password":
        set_password(visit.connection, found.id, visit.text("password", LONGEST))
        # Whoever had their session may have made one, which would go on to be a way in.
        visit.connection.execute(delete(passkeys).where(passkeys.c.operator_id == found.id))
    elif task in {"disable", "enable"}:
        ours = operators.c.id == found.id
        off = {"disabled": task == "disable"}
        visit.connection.execute(update(operators).where(ours).values(**off))
        visit.connection.execute(delete(sessions).where(sessions.c.operator_id == found.id))
    else:
        raise UsageError("task is role, password, disable or enable")
    visit.note(Verb.MANAGE_OPERATORS.value, found.name, task)
    return visit.back("/operators")


def audit(visit: Visit) -> Response:
    """Every login and every action, the newest first."""
    who = visit.query.get("by", "")
    found = select(actions).order_by(actions.c.id.desc()).limit(A_PAGE)
    if who:
        found = found.where(actions.c.by == who)
    return visit.page("audit.html", actions=visit.connection.execute(found).all(), who=who)


def _grant(visit: Visit) -> Grant:
    try:
        role = Role(visit.text("role", 16))
    except ValueError as error:
        raise UsageError(f"role is one of {', '.join(Role)}") from error
    group = visit.number("group")
    known = visit.connection.execute(select(groups.c.id).where(groups.c.id == group)).scalar()
    if group is not None and known is None:
        raise UsageError("there is no such group")
    return Grant(role, group)


ENTRIES = (
    Entry("GET", "/operators", listed, Verb.MANAGE_OPERATORS, Where.EVERYWHERE),
    Entry("POST", "/operators", add, Verb.MANAGE_OPERATORS, Where.EVERYWHERE),
    Entry("POST", "/operators/change", change, Verb.MANAGE_OPERATORS, Where.EVERYWHERE),
    Entry("GET", "/audit", audit, Verb.READ_AUDIT, Where.EVERYWHERE),
)
