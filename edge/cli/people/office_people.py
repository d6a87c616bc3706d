"""The people office's people: enrol, move, remove, list; and what became of an erasure request."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from edge.cli.base import ConfigOption, JsonOption, own_config, progress, show
from edge.cli.offices import Groups, day, office_app, opened, plain
from edge.errors import UsageError
from edge.office.rows import Person
from edge.roster.envelope import Content

if TYPE_CHECKING:
    from edge.config import Config
    from edge.office.erasures import Erasure
    from edge.records import Template


@office_app.command()
def enroll(
    name: str,
    files: Annotated[list[Path], typer.Argument(help="Images, folders or films of that person.")],
    group: Groups,
    *,
    schedule: Annotated[
        list[str] | None, typer.Option(help="Such as `mon-fri 7:00-19:00`.")
    ] = None,
    until: Annotated[datetime | None, typer.Option(help="A visitor's end, local time.")] = None,
    card: Annotated[list[str] | None, typer.Option(help="A card's number.")] = None,
    replace: Annotated[bool, typer.Option(help="Renew somebody's template.")] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Enrol somebody at the office; `publish` tells the doors."""
    settings = own_config(config)
    with opened(settings) as (book, _):
        template = _template(settings, name, files)
        content = Content(template.vectors, tuple(card or ()))
        known = [one for one in book.people() if name in (one.name, one.person)]
        if known and not replace:
            raise UsageError(f"{name} is in the book already: --replace renews their template.")
        number = book.person(name).person if known else ""
        end = None if until is None else until.timestamp()
        person = Person(number, name, tuple(group), tuple(schedule or ()), end, template.model)
        if known:
            book.change(known[0], person, content)
        else:
            person = book.add(person, content)
    result = {"ok": True, "name": name, "number": person.person, "captures": len(template.vectors)}
    text = f"{name} is in the book. `edge-door office publish` tells the doors."
    show(result, as_json=json, text=plain(text))


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
    show({"ok": True, "name": name, "groups": group}, as_json=json, text=plain(f"{name} moved."))


@office_app.command()
def remove(name: str, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Forget somebody here; `publish` has every door forget them, and shows the receipts."""
    with opened(own_config(config)) as (book, _):
        person = book.person(name)
        book.remove(person)
    result = {"ok": True, "removed": name, "number": person.person}
    show(result, as_json=json, text=plain(f"{name} ({person.person}) is out of the book."))


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
        table.add_row(*map(plain, cells), one.person[:8])
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
    """Who was removed, and each door's receipt; `status` and `publish` take receipts in."""
    with opened(own_config(config)) as (book, _):
        found = [one for one in book.erasures.all() if name in (None, one.name, one.person)]
    table = Table("name", "number", "removed", "door", "forgotten")
    for one in found:
        cells = one.name, one.person[:8], day(one.asked), one.device, _said(one)
        table.add_row(*map(plain, cells))
    rows = [asdict(one) | {"said": _said(one)} for one in found]
    show({"erased": rows}, as_json=json, text=table if rows else "Nobody of that name was removed.")


def _said(erasure: Erasure) -> str:
    if erasure.forgotten is not None:
        return day(erasure.forgotten)
    if erasure.obeyed:
        return "not known there"
    published = erasure.generation is not None
    return f"not yet at {erasure.device}" if published else "not yet published"


def _template(settings: Config, name: str, files: list[Path]) -> Template:
    from edge.ops.enrol import template_of
    from edge.ops.pictures import Sources, gather
    from edge.vision.enrolment import WANTED
    from edge.vision.pipeline import Stages

    with progress("captures", WANTED) as advance:

        def tell(_what: str, done: int, _hint: str) -> None:
            advance(completed=min(done, WANTED))

        return template_of(
            gather(settings, Stages.load(settings), Sources(tuple(files)), tell), name
        )
