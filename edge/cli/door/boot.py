"""A Raspberry Pi's boot lines: boot show, apply, remove."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from edge.cli.base import ConfigOption, JsonOption, app, read_config, show
from edge.cli.places import to_read
from edge.errors import UsageError
from edge.ops.boot import BOOT_FILES, boot_file, boot_lines, lines_in, write_lines

boot_app = typer.Typer(
    help="What a Raspberry Pi does before the door's programs run.", no_args_is_help=True
)
app.add_typer(boot_app, name="boot")

RESTART = "In force after a restart of the board: sudo reboot"

FileOption = Annotated[
    Path | None,
    typer.Option("--file", help=f"The config.txt. Default: {BOOT_FILES[0]}.", callback=to_read),
]


@boot_app.command("show")
def show_lines(
    file: FileOption = None, config: ConfigOption = None, json: JsonOption = False
) -> None:
    """The lines that this configuration needs, and those that are there; 1 where they differ."""
    path, wanted = _file(file), boot_lines(read_config(config))
    there = lines_in(path)
    result = {"ok": there == wanted, "file": str(path), "wanted": wanted, "there": there}
    text = "\n".join(wanted)
    if there != wanted:
        text += f"\n\n{path} says otherwise: {', '.join(there) or 'nothing'}"
    show(result, as_json=json, text=text)
    if there != wanted:
        raise typer.Exit(1)


@boot_app.command()
def apply(file: FileOption = None, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Put the lines that this configuration needs into config.txt, in place of earlier ones."""
    path, wanted = _file(file), boot_lines(read_config(config, required=True))
    changed = write_lines(path, wanted)
    told = f"{path}: {', '.join(wanted)}. {RESTART}" if changed else f"{path} is right already."
    show({"changed": changed, "lines": wanted}, as_json=json, text=told)


@boot_app.command()
def remove(file: FileOption = None, config: ConfigOption = None, json: JsonOption = False) -> None:
    """Take our lines out of config.txt."""
    del config  # every command takes it
    path = _file(file)
    changed = write_lines(path, [])
    told = f"taken out of {path}. {RESTART}" if changed else f"none of our lines are in {path}."
    show({"changed": changed}, as_json=json, text=told)


def _file(given: Path | None) -> Path:
    path = given or boot_file()
    if path is None:
        raise UsageError(
            f"there is no {BOOT_FILES[0]} here: only a Raspberry Pi has one. On a Pi, is its boot "
            "partition mounted?"
        )
    return path
