"""What the people office's commands share: its files, one command at a time, and its broker."""

from __future__ import annotations

import fcntl
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli.base import app, complaints
from edge.errors import ConfigError
from edge.office.book import Book
from edge.office.keys import OfficeKeys
from edge.office.post import open_post

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from edge.config import Config
    from edge.office.post import Post

office_app = typer.Typer(
    help="The people office: who should be known at which doors.", no_args_is_help=True
)
app.add_typer(office_app, name="office")

Groups = Annotated[
    list[str], typer.Option("--group", help="A door knows everybody in one of its groups.")
]
PUBLISH = "`edge-door office publish` tells the doors."


def places(settings: Config) -> tuple[Path, Path]:
    """The key file and the book."""
    folder = settings.paths.state / "office"
    return folder / "people.key", folder / "office.db"


@contextmanager
def opened(settings: Config, *, read_only: bool = False) -> Iterator[tuple[Book, OfficeKeys]]:
    """The office's book and keys; `read_only`: see `Book`.

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
    with Book(path, keys.book, read_only=read_only) as book:
        yield book, keys


@contextmanager
def at_broker(settings: Config) -> Iterator[tuple[Book, OfficeKeys, Post]]:
    """The same at the broker: one command at a time, others wait.

    Of two at once each would have the other's connection ended, and an older list could come last.

    Raises:
        ConfigError: there is no office on this host, or no broker in its configuration.
        BrokerError: the broker is not there, or refuses.
    """
    with opened(settings) as (book, keys), places(settings)[0].open("rb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            complaints.print("Another command of this office is at the broker: waiting for it.")
            fcntl.flock(lock, fcntl.LOCK_EX)
        with open_post(settings) as post:
            yield book, keys, post


def day(at: float | None) -> str:
    """A moment for a table."""
    return "" if at is None else f"{datetime.fromtimestamp(at).astimezone():%Y-%m-%d %H:%M}"
