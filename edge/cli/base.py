"""What all commands share: the app, `--config`, `--json`, and how a result is printed."""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from edge.cli.root import app, complaints, console
from edge.config import DEFAULT_PATH, config_path, read_config
from edge.errors import UsageError, reason_of
from edge.folders import make_folder
from edge.ops.configured import believed_config, own_config

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from edge.config import Config

__all__ = [
    "ConfigOption",
    "JsonOption",
    "ModelOption",
    "app",
    "ask_secret",
    "believed_config",
    "complaints",
    "config_path",
    "console",
    "own_config",
    "progress",
    "read_config",
    "seconds_of",
    "show",
    "waiting",
    "with_model",
    "write_report",
]

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        help=f"Configuration file. Default: $EDGE_DOOR_CONFIG, else {DEFAULT_PATH}.",
        show_default=False,
    ),
]
_FIRST_LINE_S = 2.0
"""Who is answered sooner has not waited, and is not told so."""
ModelOption = Annotated[str | None, typer.Option("--model", help="Embedder of the manifest.")]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON object, for machines.")]


def with_model(config: Config, name: str | None) -> Config:
    """The configuration with another embedder, where one is named."""
    if name is None:
        return config
    models = config.models.model_copy(update={"embedder": name})
    return config.model_copy(update={"models": models})


def show(result: Mapping[str, object], *, as_json: bool, text: object) -> None:
    """Print a result: the JSON object for machines, `text` (anything rich prints) for people.

    The object's `ok` is true, as the exit code is 0, unless the result itself says otherwise.
    """
    if as_json:
        told = {"ok": True} | dict(result)
        console.file.write(json.dumps(told, ensure_ascii=False) + "\n")
    else:
        if isinstance(text, Table):
            for column in text.columns:  # a path that is cut is none
                column.overflow = "fold"
        console.print(text, soft_wrap=isinstance(text, str))


@contextmanager
def progress(what: str, total: int | None = None) -> Iterator[Callable[..., None]]:
    """Show a bar on standard error meanwhile; yields how to move it, by rich's keywords."""
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    quiet = not complaints.is_terminal
    with Progress(
        *columns, TimeRemainingColumn(), console=complaints, transient=True, disable=quiet
    ) as bar:
        yield partial(bar.update, bar.add_task(what, total=total))


@contextmanager
def waiting() -> Iterator[Callable[[str], None]]:
    """Yields how to say, at every look, for whom one still waits: shown on standard error.

    In a terminal a line that counts the seconds; else lines, each after twice the time of before.
    """
    begun, next_s = monotonic(), _FIRST_LINE_S
    with complaints.status("") if complaints.is_terminal else nullcontext() as line:

        def tell(whom: str) -> None:
            nonlocal next_s
            passed = monotonic() - begun
            said = f"waiting for {whom}: {passed:.0f} s"
            if line is not None:
                line.update(Text(said))
            elif passed >= next_s:
                next_s *= 2
                complaints.print(said, highlight=False, soft_wrap=True)

        yield tell


def seconds_of(moment: datetime) -> float:
    """A moment of a command line, in local time, as seconds since 1970.

    Raises:
        UsageError: it lies beyond this machine's calendar.
    """
    try:
        return moment.timestamp()
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{moment.isoformat(' ')} is beyond this machine's calendar.") from error


def ask_secret(what: str, *, twice: bool = False, line: bool = False) -> str:
    """Something that stands in no shell history: typed unseen, or a line from another program.

    `twice`: typed so, since nobody sees what was typed. `line`: a line at a terminal, too.

    Raises:
        UsageError: nothing came.
    """
    if sys.stdin.isatty() and not line:
        return str(typer.prompt(what, hide_input=True, confirmation_prompt=twice, err=True))
    given = sys.stdin.readline().rstrip("\n")
    if not given:
        raise UsageError(f"{what}: nothing came. Type it at a terminal, or send it as a line.")
    return given


def write_report(result: Mapping[str, object], folder: Path) -> None:
    """Write a result to `report.json` in a folder, which is made where there is none.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        make_folder(folder)
        text = json.dumps(result, indent=2) + "\n"
        (folder / "report.json").write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"the folder {folder} cannot be written: {reason_of(error)}") from error
