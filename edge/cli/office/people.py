"""The people office's people: move, rename, remove, list; and what became of an erasure request."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime
from time import time
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from edge.cli.base import ConfigOption, JsonOption, own_config, seconds_of, show
from edge.cli.office.base import PUBLISH, day, office_app, opened
from edge.errors import EnrolmentError, UsageError
from edge.names import folded, listed
from edge.office.belonging import belong
from edge.office.desk import require_cards, require_end, require_groups, resembling

if TYPE_CHECKING:
    from edge.config import Config
    from edge.office.book import Book
    from edge.office.erasures import Erasure
    from edge.office.rows import Person


@office_app.command()
def move(
    name: str,
    *,
    group: Annotated[
        list[str] | None, typer.Option("--group", help="Other groups. None: those of now.")
    ] = None,
    schedule: Annotated[list[str] | None, typer.Option(help="Other hours.")] = None,
    until: Annotated[
        datetime | None,
        typer.Option(help="Another end, local time; a day alone is its first minute."),
    ] = None,
    no_end: Annotated[bool, typer.Option("--no-end", help="A visitor stays.")] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Put somebody into other groups, with other hours or another end."""
    if until and no_end:
        raise UsageError("--until and --no-end contradict each other")
    if not (group or schedule or until or no_end):
        raise UsageError("say what changes: --group, --schedule, --until or --no-end")
    settings = own_config(config)
    with opened(settings) as (book, _):
        old = book.person(name)
        hours = old.schedule if schedule is None else tuple(schedule)
        end = old.expires if until is None else seconds_of(until)
        groups = old.groups if group is None else tuple(group)
        new = replace(old, groups=groups, schedule=hours, expires=None if no_end else end)
        require_end(new.name, new.expires)
        require_groups(book, new.groups)
        _require_no_lookalike(settings, book, new)
        book.change(old, new)
    show(
        {"name": new.name, "groups": groups},
        as_json=json,
        text=f"{new.name} moved. {PUBLISH}",
    )


def _require_no_lookalike(settings: Config, book: Book, person: Person) -> None:
    from edge.vision.calibrated import threshold  # which sees, as few commands here do

    content = book.content(person)
    require_cards(book, person, content)
    found = resembling(book, person, content, threshold(settings))
    if found:
        other = next(iter(found))
        raise EnrolmentError(
            f"{person.name} is not moved: there they would meet {listed(found)}, whose face theirs "
            f"resembles. If they are two people, say so: `edge-door office lookalike "
            f"{person.name!r} {other!r} --reason '...'`, and move them again"
        )


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
    text = f"{before.name} is now {after.name}. {PUBLISH}"
    show({"old": before.name, "new": after.name}, as_json=json, text=text)


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
    text = f"{name} and {other} are two people. {PUBLISH}"
    show({"name": name, "other": other}, as_json=json, text=text)


@office_app.command()
def remove(name: str, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Forget somebody here; `publish` has every door forget them, and shows the receipts."""
    with opened(own_config(config)) as (book, _):
        person = book.person(name)
        book.remove(person)
    result = {"removed": person.name, "number": person.person}
    text = f"{person.name} ({person.person}) is out of the book. {PUBLISH}"
    show(result, as_json=json, text=text)


@office_app.command("people")
def list_people(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Everybody in the book, and the doors that are to know them."""
    with opened(own_config(config), read_only=True) as (book, _):
        people = book.people()
        going: dict[str, list[str]] = {one.person: [] for one in people}
        for door in book.doors.all():
            for one in belong(people, door, time()):
                going[one.person].append(door.device)
    rows = [
        {
            "name": one.name,
            "number": one.person,
            "groups": one.groups,
            "hours": one.schedule,
            "until": one.expires,
            "doors": going[one.person],
        }
        for one in people
    ]
    table = Table("name", "groups", "hours", "until", "doors", "number")
    for one in people:
        cells = (
            one.name,
            ", ".join(one.groups),
            ", ".join(one.schedule) or "as the door has it",
            day(one.expires),
            listed(going[one.person]) if going[one.person] else "none",
        )
        table.add_row(*cells, one.person[:8])
    show({"people": rows}, as_json=json, text=table if rows else "Nobody is in the book.")


@office_app.command()
def erased(
    name: Annotated[str | None, typer.Argument(help="A name or number; else everybody.")] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Who was removed, and each door's receipt; `status` and `publish` take receipts in.

    Every door that was to know them since they were enrolled is listed, also where they were moved
    away from it before. Exit code 0: every one has forgotten them; 1: one has not yet; 2: nobody
    of that name was removed.
    """
    with opened(own_config(config), read_only=True) as (book, _):
        wanted = None if name is None else book.erasures.named(name)
        found = [one for one in book.erasures.all() if wanted is None or one.person in wanted]
        trusted = {door.device for door in book.doors.all()}
    table = Table("name", "number", "removed", "door", "forgotten")
    for one in found:
        cells = one.name, one.person[:8], day(one.asked), one.device, _said(one, trusted)
        table.add_row(*cells)
    rows = [asdict(one) | {"said": _said(one, trusted)} for one in found]
    done = all(one.forgotten is not None or one.obeyed for one in found)
    nobody = "Nobody was removed whom a door was to know."
    show({"ok": done, "erased": rows}, as_json=json, text=table if rows else nobody)
    if not done:
        raise typer.Exit(1)


def _said(erasure: Erasure, trusted: set[str]) -> str:
    if erasure.forgotten is not None:
        return day(erasure.forgotten)
    if erasure.obeyed:
        return "not known there"
    if erasure.device not in trusted:
        return f"never: {erasure.device} is trusted no more"
    published = erasure.generation is not None
    return f"not yet at {erasure.device}" if published else "not yet published"
