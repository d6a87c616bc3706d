"""The people office's people: move, rename, remove, list; and what became of an erasure request."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from edge.cli.base import ConfigOption, JsonOption, own_config, show
from edge.cli.office.base import Groups, day, office_app, opened
from edge.errors import UsageError
from edge.names import folded
from edge.office.rows import Person

if TYPE_CHECKING:
    from edge.office.erasures import Erasure


@office_app.command()
def move(
    name: str,
    group: Groups,
    schedule: Annotated[list[str] | None, typer.Option(help="Other hours.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Another end, local time.")] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Put somebody into other groups, with other hours or another end."""
    with opened(own_config(config)) as (book, _):
        old = book.person(name)
        hours = old.schedule if schedule is None else tuple(schedule)
        end = old.expires if until is None else until.timestamp()
        book.change(old, Person(old.person, old.name, tuple(group), hours, end, old.model))
    show({"ok": True, "name": name, "groups": group}, as_json=json, text=f"{name} moved.")


@office_app.command()
def rename(
    name: str,
    new: Annotated[str, typer.Argument(help="What they are called from now on.")],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Change somebody's name; `publish` tells the doors, and no new template is needed."""
    with opened(own_config(config)) as (book, _):
        before = book.person(name)
        after = book.rename(before, new)
    text = f"{before.name} is now {after.name}. `edge-door office publish` tells the doors."
    show({"ok": True, "old": before.name, "new": after.name}, as_json=json, text=text)


@office_app.command()
def lookalike(
    name: str,
    other: Annotated[str, typer.Argument(help="Whom they resemble, as a door says.")],
    reason: Annotated[str, typer.Option(help="Why it is known that they are two.")],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Say that two who resemble each other are two; the next list tells the doors."""
    if not reason.strip():
        raise UsageError("--reason says why it is known that they are two people")
    if folded(name) == folded(other):
        raise UsageError(f"{name} and {other} are one name: say whom {name} resembles")
    with opened(own_config(config)) as (book, _):
        book.tell_apart(book.person(name), other, reason.strip())
    text = f"{name} and {other} are two people. `edge-door office publish` tells the doors."
    show({"ok": True, "name": name, "other": other}, as_json=json, text=text)


@office_app.command()
def remove(name: str, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Forget somebody here; `publish` has every door forget them, and shows the receipts."""
    with opened(own_config(config)) as (book, _):
        person = book.person(name)
        book.remove(person)
    result = {"ok": True, "removed": name, "number": person.person}
    show(result, as_json=json, text=f"{name} ({person.person}) is out of the book.")


@office_app.command("people")
def list_people(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Everybody in the book."""
    with opened(own_config(config)) as (book, _):
        people = book.people()
    table = Table("name", "groups", "hours", "until", "number")
    for one in people:
        cells = (
            one.name,
            ", ".join(one.groups),
            ", ".join(one.schedule) or "always",
            day(one.expires),
        )
        table.add_row(*cells, one.person[:8])
    rows = [
        {
            "name": p.name,
            "number": p.person,
            "groups": p.groups,
            "hours": p.schedule,
            "until": p.expires,
        }
        for p in people
    ]
    show({"people": rows}, as_json=json, text=table if people else "Nobody is in the book.")


@office_app.command()
def erased(
    name: Annotated[str | None, typer.Argument(help="A name or number; else everybody.")] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Who was removed, and each door's receipt; `status` and `publish` take receipts in.

    Exit code 0: every door that had them has forgotten them; 1: one has not yet.
    """
    with opened(own_config(config)) as (book, _):
        found = [
            one
            for one in book.erasures.all()
            if name in (None, one.person) or folded(name) == folded(one.name)
        ]
    table = Table("name", "number", "removed", "door", "forgotten")
    for one in found:
        cells = one.name, one.person[:8], day(one.asked), one.device, _said(one)
        table.add_row(*cells)
    rows = [asdict(one) | {"said": _said(one)} for one in found]
    done = all(one.forgotten is not None or one.obeyed for one in found)
    nobody = "Nobody of that name was removed whom a door was to know."
    show({"ok": done, "erased": rows}, as_json=json, text=table if rows else nobody)
    if not done:
        raise typer.Exit(1)


def _said(erasure: Erasure) -> str:
    if erasure.forgotten is not None:
        return day(erasure.forgotten)
    if erasure.obeyed:
        return "not known there"
    published = erasure.generation is not None
    return f"not yet at {erasure.device}" if published else "not yet published"
