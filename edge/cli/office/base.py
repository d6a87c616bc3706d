"""What the people office's commands share: its files, and how its doors are shown."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from edge.cli.base import app, show
from edge.errors import ConfigError
from edge.office.book import Book
from edge.office.keys import OfficeKeys
from edge.roster.report import LIST, Report

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from edge.config import Config
    from edge.office.post import Post
    from edge.office.rows import Door

office_app = typer.Typer(
    help="The people office: who should be known at which doors.", no_args_is_help=True
)
app.add_typer(office_app, name="office")

Groups = Annotated[
    list[str], typer.Option("--group", help="A door knows everybody in one of its groups.")
]
AS_IT_SHOULD = "as it should be"


def places(settings: Config) -> tuple[Path, Path]:
    """The key file and the book."""
    folder = settings.paths.state / "office"
    return folder / "people.key", folder / "office.db"


@contextmanager
def opened(settings: Config) -> Iterator[tuple[Book, OfficeKeys]]:
    """The office's book and keys.

    Raises:
        ConfigError: there is no office on this host.
    """
    key_file, path = places(settings)
    if not key_file.exists():
        raise ConfigError(
            f"there is no people office here: {key_file} is missing. Begin one with "
            "`edge-door office init`"
        )
    keys = OfficeKeys(key_file)
    with Book(path, keys.book) as book:
        yield book, keys


def state(door: Door, said: Report | None, office: str) -> str:
    """How far a door is, in words; `office` is this office's people key."""
    if said is None:
        return "not heard of yet"
    if said.key != door.key:
        return "has another key than the one that was trusted: compare it, and trust the door again"
    if office not in said.keys:
        return "does not believe this office: its people key is not in [people] keys there"
    if said.restored:
        return "was restored from a backup, and waits for the next list: `edge-door office publish`"
    if said.digest != door.digest:
        pages = f", waits for {len(said.pages)} pages of it" if said.pages else ""
        return f"not yet: has list {said.generation} of {door.generation}{pages}"
    waits = f"waits for {said.waiting} envelopes" if said.waiting else ""
    return waits or (f"refuses {len(said.refused)}" if said.refused else AS_IT_SHOULD)


def show_doors(book: Book, post: Post, office: str, *, as_json: bool) -> None:
    """Each door of the book: desired against reported."""
    names = {one.person: one.name for one in book.people()}
    doors = book.doors.all()
    rows = [_row(book, one, post.reports.get(one.device), names, office) for one in doors]
    table = Table("door", "list", "people", "state")
    for row in rows:
        whys = [f"{name}: {why}" for name, why in row["refused"].items()]
        whys += [f"left out: {why}" for why in row["left_out"].values()]
        told = "\n".join([row["state"], *whys])
        cells = row["door"], str(row["desired"]), str(row["known"]), told
        table.add_row(*cells)
    show({"doors": rows}, as_json=as_json, text=table if rows else "No door is trusted yet.")


def _row(
    book: Book, door: Door, said: Report | None, names: Mapping[str, str], office: str
) -> dict[str, Any]:
    report = said or Report(door.device, 0, "", "", "")
    left_out = book.left_out(door.device)
    return {
        "door": door.device,
        "desired": door.generation,
        "obeyed": report.generation,
        "known": report.known,
        "waiting": report.waiting,
        "lease": report.lease,
        "refused": {
            names.get(who, "the list" if who == LIST else who): why
            for who, why in report.refused.items()
        },
        "left_out": {names.get(who, who): why for who, why in left_out.items()},
        "erased": dict(report.erased),
        "state": state(door, said, office),
    }


def day(at: float | None) -> str:
    """A moment for a table."""
    return "" if at is None else f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M}"
