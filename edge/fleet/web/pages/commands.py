"""Commands: signed by the operator's key, in the browser or on their own host, never by this one.

The dashboard holds no key that a door obeys. It checks who may send what, keeps the reason, and
passes the signed text on; the door checks the signature again, and answers.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sqlalchemy import func, insert, select

from edge.access.command import Counters, Receiver, verify_command
from edge.errors import CommandError, UsageError
from edge.fleet.database.tables import commands, devices, groups, keys
from edge.fleet.kinds import CommandState
from edge.fleet.text import DAY_S
from edge.fleet.web.entry import Entry
from edge.fleet.web.roles import Verb
from edge.fleet.web.ways import ways_out
from edge.moment import Moment
from edge.vocabulary import Action

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Row
    from starlette.responses import Response

    from edge.fleet.database.rows import KeyRow
    from edge.fleet.web.visit import Visit

MOST_AT_ONCE = 500
A_PAGE = 200


def lockdown(visit: Visit) -> Response:
    """Many doors at once; those that people get out through are left out."""
    rows = visit.connection.execute(
        select(devices).where(visit.visible(Verb.COMMAND)).order_by(devices.c.name)
    ).all()
    chosen = visit.query.get("group", "")
    doors = [row for row in rows if chosen in ("", str(row.group_id))]
    out = _ways_out(visit)
    return visit.page(
        "lockdown.html",
        doors=[row for row in doors if row.id not in out],
        left_out=[row for row in doors if row.id in out],
        unsaid=sum(row.from_zone is None and row.to_zone is None for row in doors),
        groups=_groups(visit, {row.group_id for row in rows}),
        chosen=chosen,
        keys=_keys(visit),
    )


def send(visit: Visit) -> Response:
    """Signed commands: queued for the collector, or none of them."""
    texts = [text for text in visit.form.get("text", []) if text.strip()]
    if not 1 <= len(texts) <= MOST_AT_ONCE:
        raise UsageError(f"send 1 to {MOST_AT_ONCE} signed commands at once")
    mine = [row.public for row in _keys(visit)]
    out = _ways_out(visit)
    for text in texts:
        _queue(visit, text.strip(), mine, out)
    where = visit.text("back", 80, needed=False)
    return visit.back(where if where.startswith("/doors/") else "/commands")


def sent(visit: Visit) -> Response:
    """What was sent, and what came of it; how often each of that within a day."""
    state = visit.query.get("state", "")
    mine = select(commands, devices.c.name).join(devices, devices.c.id == commands.c.device)
    mine = mine.where(visit.visible())
    wanted = mine.where(commands.c.state == state) if state else mine
    rows = visit.connection.execute(wanted.order_by(commands.c.at.desc()).limit(A_PAGE)).all()
    lately = mine.where(commands.c.at > visit.now - DAY_S)
    counted = lately.with_only_columns(commands.c.state, func.count().label("number")).group_by(
        commands.c.state
    )
    counts = {row.state: row.number for row in visit.connection.execute(counted)}
    states = [each.value for each in CommandState]
    return visit.page("commands.html", commands=rows, counts=counts, states=states, state=state)


def _groups(visit: Visit, seen: set[int | None]) -> list[Row[tuple[int, str]]]:
    """Those of `seen`, by name."""
    named = visit.connection.execute(select(groups).order_by(groups.c.name)).all()
    return [group for group in named if group.id in seen]


def _keys(visit: Visit) -> Sequence[KeyRow]:
    mine = keys.c.operator_id == visit.operator.number
    return visit.connection.execute(select(keys).where(mine)).all()


def _ways_out(visit: Visit) -> frozenset[str]:
    """Of the whole site, whatever of it the operator may see."""
    return ways_out(visit.connection.execute(select(devices)).all())


def _queue(visit: Visit, text: str, mine: list[str], out: frozenset[str]) -> None:
    try:
        named = json.loads(text)["device"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise UsageError("that is no signed command") from error
    door = visit.door_named(str(named), Verb.COMMAND)
    moment = Moment("", 0.0, visit.now, wall_trusted=True)
    try:
        command, _ = verify_command(
            text, Receiver(door.id, mine, tuple(Action)), Counters(), moment
        )
    except CommandError as error:
        raise UsageError(f"{door.name}: {_plainly(str(error))}") from error
    if not command.reason.strip():
        raise UsageError(f"{door.name}: a command needs a reason")
    if command.action is Action.LOCK_DOWN and door.id in out:
        raise UsageError(
            f"{door.name} is how people get out: a lock-down there could lock somebody in"
        )
    known = select(commands.c.nonce).where(commands.c.nonce == command.nonce)
    if visit.connection.execute(known).first() is not None:
        raise UsageError(f"{door.name}: this command was sent already")
    visit.connection.execute(
        insert(commands).values(
            nonce=command.nonce,
            device=door.id,
            action=command.action.value,
            reason=command.reason,
            by=visit.operator.name,
            at=visit.now,
            expires=float(json.loads(text)["expires"]),
            text=text,
            state=CommandState.QUEUED.value,
            batch=visit.batch,
        )
    )
    visit.note(Verb.COMMAND.value, f"{door.id}: {command.action.value}", command.reason)


def _plainly(sentence: str) -> str:
    known, _, _ = sentence.partition(" that is no operator's here")
    return sentence if known == sentence else f"{known} that is none of yours."


ENTRIES = (
    Entry("GET", "/lockdown", lockdown, Verb.COMMAND),
    Entry("GET", "/commands", sent, Verb.SEE),
    Entry("POST", "/commands", send, Verb.COMMAND),
)
