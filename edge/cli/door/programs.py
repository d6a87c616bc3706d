"""The programs: run, door, sight, link. Each command becomes its program, which is smaller."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.believed import enforce
from edge.cli.base import (
    ConfigOption,
    app,
    complaints,
    config_path,
    read_config,
)
from edge.config import load, load_leaving
from edge.door.launch import guard_command, wiring_command
from edge.errors import ConfigError, SealError, UsageError, WireError
from edge.interrupt import put_off
from edge.ops.configured import pinned_config
from edge.ops.owner import become_guard
from edge.ops.programs import command
from edge.ops.supervisor import PEER_NAMED
from edge.owner import known_owner, sealed_copy
from edge.process import PYTHON
from edge.wire.channel import Channel

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge.config import Config

_RUNS = (
    "another edge-door runs with this configuration: `edge-door status` asks it. Stop it first "
    "(sudo systemctl stop edge-door.target, or Ctrl-C where `edge-door run` runs)."
)
_RUNNING = (
    "the running door holds the lines. Stop it first (sudo systemctl stop edge-door.target, or "
    "Ctrl-C where `edge-door run` runs), try the wiring, and start it again."
)


@app.command()
def run(config: ConfigOption = None) -> None:
    """Start door, sight and link, and start again what dies or freezes."""
    try:
        settings = read_config(config, required=True)
    except ConfigError:
        settings = _wired(config, read_config)
        if settings.door.backend == "fake":  # nobody stands behind it: all is told, and no more
            raise
    if _held(settings):  # a second one would start its programs again and again
        raise UsageError(_RUNS)
    wired = "" if settings.door.backend == "fake" else "wired"
    told = (settings.door_socket, config_path(config), settings.log.level, wired)
    _become([*PYTHON, "-m", "edge.ops.supervisor", *map(str, told)])


@app.command()
def door(
    task: Annotated[
        str,
        typer.Argument(
            help="`test` clicks the lock and tells what the inputs do, of a door that is stopped."
        ),
    ] = "",
    *,
    release: Annotated[
        bool, typer.Option("--release", help="Drive the lock's lines off, and end.")
    ] = False,
    peer_named: Annotated[bool, typer.Option(PEER_NAMED, hidden=True)] = False,
    config: ConfigOption = None,
) -> None:
    """The relay guard alone: the only program that touches the pins."""
    settings = _wired(config, read_config if release else pinned_config)
    if task not in ("", "test"):
        raise UsageError(f"`edge-door door {task}` is not known; `edge-door door test` is.")
    if task and _held(settings):
        raise UsageError(_RUNNING)
    become_guard(settings.paths.state)
    guard = wiring_command(settings) if task else guard_command(settings, peer_named=peer_named)
    _become([*guard, "--release"] if release else guard)


@app.command()
def sight(config: ConfigOption = None) -> None:
    """Camera to decision alone."""
    _become(command("sight", config_path(config)))


@app.command()
def link(config: ConfigOption = None) -> None:
    """Events to the MQTT broker alone."""
    _become(command("link", config_path(config)))


def _become(program: list[str]) -> None:
    put_off()
    os.execv(program[0], program)  # noqa: S606 - nothing of this process is needed any more


def _held(settings: Config) -> bool:
    """Whether a guard holds the lines now."""
    with contextlib.suppress(WireError), Channel.connect(settings.door_socket):
        return True
    return False


def _wired(config: Path | None, read: Callable[..., Config]) -> Config:
    """The guard's configuration; where it is not what was sealed, the copy of what was.

    Where nobody sealed and it holds mistakes, what it says of the door, if that is right. Nobody
    is let in then, since sight does not start; but leaving must hang on neither.
    """
    try:
        return read(config, required=True)
    except (ConfigError, SealError) as error:
        copy = sealed_copy()
        if copy is not None:
            complaints.print(f"{error} The guard goes by {copy}.", soft_wrap=True)
            enforce(None)
            return load(copy)
        if known_owner() is not None or isinstance(error, SealError):
            raise
        with contextlib.suppress(ConfigError):
            leaving = load_leaving(config_path(config))
            complaints.print(f"{error} The guard goes by [door] and [paths] alone.", soft_wrap=True)
            return leaving
        raise
