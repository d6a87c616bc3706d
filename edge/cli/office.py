"""The people office: enrol once, and the right doors know them; remove once, and all forget."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from edge.cli.base import ConfigOption, JsonOption, app, own_config, progress, show
from edge.errors import ConfigError, UsageError
from edge.office.book import Book
from edge.office.keys import OfficeKeys
from edge.office.post import open_post
from edge.office.rows import Door, Person
from edge.roster.desired import add_signature, sign
from edge.roster.envelope import Content
from edge.roster.report import Report

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from edge.config import Config
    from edge.office.post import Post
    from edge.records import Template

office_app = typer.Typer(
    help="The people office: who should be known at which doors.", no_args_is_help=True
)
app.add_typer(office_app, name="office")

Groups = Annotated[
    list[str], typer.Option("--group", help="A door knows everybody in one of its groups.")
]
_REPORT_S = 20.0


@office_app.command()
def init(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Make the people key and the book, once."""
    settings = own_config(config)
    key_file, book = _places(settings)
    if not key_file.exists():
        OfficeKeys.create(key_file)
    keys = OfficeKeys(key_file)
    Book(book, keys.book).close()
    text = f"Put this into the configuration of each door:\n\n[people]\nkeys = ['{keys.public}']"
    show({"ok": True, "key": keys.public}, as_json=json, text=_plain(text))


@office_app.command()
def trust(
    door: str,
    group: Groups,
    said: Annotated[
        str, typer.Option("--fingerprint", help="As `edge-door people key` shows it at the door.")
    ],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Take a door in, after its key's fingerprint was compared with the door itself."""
    settings = own_config(config)
    with _book(settings) as (book, _), open_post(settings) as post:
        if not post.listen(lambda: door in post.reports):
            raise UsageError(
                f"{door} has reported nothing at {settings.mqtt.host}: is its [people] keys set, "
                "and is it connected?"
            )
        book.trust(post.reports[door], group, said)
    show({"ok": True, "door": door, "groups": group}, as_json=json, text=f"{door} is trusted.")


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
    with _book(settings) as (book, _):
        template = _template(settings, name, files)
        content = Content(template.vectors, tuple(card or ()))
        known = [one for one in book.people() if name in (one.name, one.person)]
        if known and not replace:
            raise UsageError(f"{name} is in the book already: --replace renews their template.")
        number = book.person(name).person if known else ""
        end = None if until is None else until.timestamp()
        person = Person(number, name, tuple(group), tuple(schedule or ()), end, template.model)
        if known:
            book.change(person, content)
        else:
            person = book.add(person, content)
    result = {"ok": True, "name": name, "number": person.person, "captures": len(template.vectors)}
    text = f"{name} is in the book. `edge-door office publish` tells the doors."
    show(result, as_json=json, text=_plain(text))


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
    with _book(own_config(config)) as (book, _):
        old = book.person(name)
        hours = old.schedule if schedule is None else tuple(schedule)
        end = old.expires if until is None else until.timestamp()
        book.change(Person(old.person, old.name, tuple(group), hours, end, old.model))
    show({"ok": True, "name": name, "groups": group}, as_json=json, text=_plain(f"{name} moved."))


@office_app.command()
def remove(name: str, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Forget somebody here; `publish` has every door forget them, and shows the receipts."""
    with _book(own_config(config)) as (book, _):
        person = book.person(name)
        book.remove(person.person)
    result = {"ok": True, "removed": name, "number": person.person}
    show(result, as_json=json, text=_plain(f"{name} ({person.person}) is out of the book."))


@office_app.command("people")
def list_people(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Everybody in the book."""
    with _book(own_config(config)) as (book, _):
        people = book.people()
    table = Table("name", "groups", "hours", "until", "number")
    for one in people:
        cells = (
            one.name,
            ", ".join(one.groups),
            ", ".join(one.schedule) or "always",
            _day(one.expires),
        )
        table.add_row(*map(_plain, cells), one.person[:8])
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
def publish(
    *,
    door: Annotated[list[str] | None, typer.Option(help="Only these doors.")] = None,
    lease_days: Annotated[
        float | None,
        typer.Option(
            min=0.01, help="A door that hears nothing for so long lets these people lapse."
        ),
    ] = None,
    second_key: Annotated[
        Path | None, typer.Option(help="Another office's key file, where two must sign.")
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Sign a new list for each door, publish it, and wait for what the doors say."""
    settings = own_config(config)
    with _book(settings) as (book, keys), open_post(settings) as post:
        post.listen(lambda: False)
        devices = door or [known.device for known in book.doors()]
        with progress("doors", len(devices)) as advance:
            for device in devices:
                if device in post.reports:
                    book.heard(post.reports[device])
                made = book.make(device, None if lease_days is None else lease_days * 86_400)
                message = sign(made.desired, [keys.signing])
                if second_key is not None:
                    message = add_signature(message, OfficeKeys(second_key).signing)
                post.publish(device, message, made.envelopes)
                advance(advance=1)
        post.listen(lambda: not _behind(book, post, devices), _REPORT_S)
        for device in set(devices) - set(_behind(book, post, devices)):
            post.clear(device, book.envelopes_gone(device))
            book.cleared(device)
        _show_doors(book, post, as_json=json)


@office_app.command()
def status(config: ConfigOption = None, json: JsonOption = False) -> None:
    """What each door has of what it should have."""
    settings = own_config(config)
    with _book(settings) as (book, _), open_post(settings) as post:
        post.listen(lambda: {one.device for one in book.doors()} <= set(post.reports))
        _show_doors(book, post, as_json=json)


def _behind(book: Book, post: Post, devices: list[str]) -> list[str]:
    made = {one.device: one.digest for one in book.doors()}
    return [
        device
        for device in devices
        if (said := post.reports.get(device)) is None or said.digest != made[device] or said.waiting
    ]


def _show_doors(book: Book, post: Post, *, as_json: bool) -> None:
    names = {one.person: one.name for one in book.people()}
    rows = [_row(one, post.reports.get(one.device), names) for one in book.doors()]
    table = Table("door", "list", "people", "state")
    for row in rows:
        reasons = "".join(f"\n{name}: {why}" for name, why in row["refused"].items())
        cells = row["door"], str(row["desired"]), str(row["known"]), row["state"] + reasons
        table.add_row(*map(_plain, cells))
    show({"doors": rows}, as_json=as_json, text=table if rows else "No door is trusted yet.")


def _row(door: Door, said: Report | None, names: Mapping[str, str]) -> dict[str, Any]:
    said = said or Report(door.device, 0, "", "", "")
    return {
        "door": door.device,
        "desired": door.generation,
        "obeyed": said.generation,
        "known": said.known,
        "waiting": len(said.waiting),
        "refused": {names.get(person, person): why for person, why in said.refused.items()},
        "erased": dict(said.erased),
        "state": _state(door, said),
    }


def _state(door: Door, said: Report) -> str:
    if not said.key:
        return "not heard of yet"
    if said.digest != door.digest:
        return f"not yet: has list {said.generation} of {door.generation}"
    return f"waits for {len(said.waiting)} envelopes" if said.waiting else "as it should be"


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


@contextmanager
def _book(settings: Config) -> Iterator[tuple[Book, OfficeKeys]]:
    key_file, path = _places(settings)
    if not key_file.exists():
        raise ConfigError(
            f"there is no people office here: {key_file} is missing. Begin one with "
            "`edge-door office init`"
        )
    keys = OfficeKeys(key_file)
    with Book(path, keys.book) as book:
        yield book, keys


def _places(settings: Config) -> tuple[Path, Path]:
    folder = settings.paths.state / "office"
    return folder / "people.key", folder / "office.db"


def _day(at: float | None) -> str:
    return "" if at is None else f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M}"


def _plain(text: str) -> str:
    return text.replace("[", "\\[")
