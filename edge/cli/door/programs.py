"""The programs: run, door, link."""

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
    believed_config,
    complaints,
    config_path,
    read_config,
    start_logging,
)
from edge.cli.door.service import heartbeat
from edge.config import load
from edge.door.launch import PYTHON, guard_command, wiring_command
from edge.errors import ConfigError, SealError, UsageError, WireError
from edge.link import process as link_process
from edge.ops.owner import become_guard, become_owner
from edge.ops.supervisor import PEER_NAMED
from edge.owner import known_owner, sealed_copy
from edge.stopping import StopSignal
from edge.systemd import notify
from edge.wire.channel import Channel

if TYPE_CHECKING:
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
    """Start door, sight and link, and start again what dies."""
    settings = read_config(config, required=True)
    if _held(settings):  # a second one would start its programs again and again
        raise UsageError(_RUNS)
    told = (settings.door_socket, config_path(config), settings.log.level)
    command = [*PYTHON, "-m", "edge.ops.supervisor", *map(str, told)]
    os.execv(command[0], command)  # noqa: S606 - becomes the supervisor, which is a small process


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
    settings = read_config(config, required=True) if release else _wired(config)
    if task not in ("", "test"):
        raise UsageError(f"`edge-door door {task}` is not known; `edge-door door test` is.")
    if task and _held(settings):
        raise UsageError(_RUNNING)
    become_guard(settings.paths.state)
    command = wiring_command(settings) if task else guard_command(settings, peer_named=peer_named)
    if release:
        command.append("--release")
    os.execv(command[0], command)  # noqa: S606 - becomes the guard, which is a small process


@app.command()
def link(config: ConfigOption = None) -> None:
    """Events to the MQTT broker alone."""
    settings = _pinned(config)
    become_owner(settings.outbox_db.parent)
    start_logging(settings.log.level)
    notify("READY=1")  # before the broker is there: link lives through outages
    with StopSignal() as stop:
        raise typer.Exit(link_process.run(settings, stop, heartbeat))


def _held(settings: Config) -> bool:
    """Whether a guard holds the lines now."""
    with contextlib.suppress(WireError), Channel.connect(settings.door_socket):
        return True
    return False


def _wired(config: Path | None) -> Config:
    """The guard's configuration; where it is not what was sealed, the copy of what was.

    Nobody is let in then, since sight does not start; but leaving must not hang on a seal.
    """
    try:
        return _pinned(config)
    except (ConfigError, SealError) as error:
        copy = sealed_copy()
        if copy is None:
            raise
        complaints.print(f"{error} The guard goes by {copy}.", soft_wrap=True)
        enforce(None)
        return load(copy)


def _pinned(config: Path | None) -> Config:
    """The configuration, as sealed where this machine knows its owner: no ledger is opened."""
    read = read_config if known_owner() is None else believed_config
    return read(config, required=True)
