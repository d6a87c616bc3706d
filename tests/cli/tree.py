"""The commands as click sees them; typer brings a click of its own, without types."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import typer.main

from edge.cli import app
from edge.cli.root import Listed

if TYPE_CHECKING:
    from collections.abc import Iterator


@cache
def tree() -> Any:
    """The command that has all others below it."""
    return typer.main.get_command(app)


@cache
def loaded(command: Any) -> Any:
    """The command itself; to load one builds the tree anew."""
    return command.load() if isinstance(command, Listed) else command


def commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command and group, with what is typed for it."""
    return _below(tree())


def leaves() -> Iterator[tuple[str, Any]]:
    """Every command that does something."""
    for path, command in commands():
        if not hasattr(command, "commands"):
            yield " ".join(path), command


def _below(command: Any, *path: str) -> Iterator[tuple[tuple[str, ...], Any]]:
    here = loaded(command)
    yield path, here
    for name, below in getattr(here, "commands", {}).items():
        yield from _below(below, *path, name)
