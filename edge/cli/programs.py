"""The programs, and questions to them: run, door, link, watch, events, status."""

from __future__ import annotations

import os
from dataclasses import asdict
from datetime import datetime
from typing import Annotated

import typer
from rich.live import Live
from rich.table import Table

from edge.cli.base import (
    ConfigOption,
    JsonOption,
    app,
    config_path,
    console,
    own_config,
    read_config,
    show,
    start_logging,
)
from edge.cli.service import heartbeat
from edge.door.launch import PYTHON, guard_command, wiring_command
from edge.errors import LedgerError, UsageError, WireError
from edge.link import process as link_process
from edge.ops.viewer import Viewer
from edge.sight.journal import open_ledger
from edge.stopping import StopSignal
from edge.systemd import notify
from edge.wire.channel import Channel
from edge.wire.messages import AskStatus, Failed, Seen, Watch

WATCH_WIRING_S = 30.0


@app.command()
def run(config: ConfigOption = None) -> None:
    """Start door, sight and link, and start again what dies."""
    settings = read_config(config, required=True)
    told = (settings.door_socket, config_path(config), settings.log.level)
    command = [*PYTHON, "-m", "edge.ops.supervisor", *map(str, told)]
    os.execv(command[0], command)  # noqa: S606 - becomes the supervisor, which is a small process


@app.command()
def door(
    task: Annotated[
        str, typer.Argument(help="`test` clicks the lock and tells what the inputs do.")
    ] = "",
    *,
    release: Annotated[
        bool, typer.Option("--release", help="Drive the lock's lines off, and end.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """The relay guard alone: the only program that touches the pins."""
    settings = read_config(config, required=True)
    if task not in ("", "test"):
        raise UsageError(f"`edge-door door {task}` is not known; `edge-door door test` is.")
    command = wiring_command(settings, WATCH_WIRING_S) if task else guard_command(settings)
    if release:
        command.append("--release")
    os.execv(command[0], command)  # noqa: S606 - becomes the guard, which is a small process


@app.command()
def link(config: ConfigOption = None) -> None:
    """Events to the MQTT broker alone."""
    settings = read_config(config, required=True)
    start_logging(settings.log.level)
    notify("READY=1")  # before the broker is there: link lives through outages
    with StopSignal() as stop:
        raise typer.Exit(link_process.run(settings, stop, heartbeat))


@app.command()
def watch(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Show live what sight sees and decides, until Ctrl-C."""
    settings = read_config(config)
    with Channel.connect(settings.sight_socket) as channel:
        channel.send(Watch())
        viewer = Viewer()
        if json:
            while True:
                show(asdict(_next(channel)), as_json=True, text="")
        with Live(viewer, console=console, refresh_per_second=10):
            while True:
                viewer.take(_next(channel))


@app.command()
def status(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Ask the running sight how it is."""
    with Channel.connect(read_config(config).sight_socket) as channel:
        answer = channel.ask(AskStatus())
    if isinstance(answer, Failed):
        raise WireError(answer.why)
    table = Table("what", "state")
    told = asdict(answer)
    for key, value in told.items():
        table.add_row(key, str(value))
    show(told, as_json=json, text=table)


@app.command()
def events(
    *,
    last: Annotated[int, typer.Option(min=1, help="How many, newest last.")] = 20,
    verify: Annotated[bool, typer.Option("--verify", help="Check the hash chain.")] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """What happened at this door; with --verify, whether the record is whole."""
    settings = own_config(config)
    with open_ledger(settings, read_only=True) as ledger:
        problems = ledger.verify() if verify else []
        stored = list(reversed(ledger.events(limit=last, newest_first=True)))
    table = Table("#", "time", "kind", "reason", "person", "detail")
    for entry in stored:
        event = entry.event
        clock = datetime.fromtimestamp(event.wall).astimezone()
        doubt = "" if event.wall_trusted else "?"
        detail = ", ".join(f"{key} {value}" for key, value in event.detail.items())
        row = (f"{clock:%m-%d %H:%M:%S}{doubt}", event.kind.value, event.reason.value)
        table.add_row(str(entry.sequence), *row, event.person or "", detail)
    listed = [
        {
            "sequence": entry.sequence,
            "kind": entry.event.kind.value,
            "reason": entry.event.reason.value,
            "person": entry.event.person,
            "wall": entry.event.wall,
            "wall_trusted": entry.event.wall_trusted,
            "detail": dict(entry.event.detail),
        }
        for entry in stored
    ]
    show({"events": listed, "problems": problems}, as_json=json, text=table)
    if problems:
        raise LedgerError("the record is not whole: " + " ".join(problems))


def _next(channel: Channel) -> Seen:
    while True:
        message = channel.receive(timeout_s=30.0)
        if message is None:
            raise UsageError("sight shows nothing: is its camera delivering?")
        if isinstance(message, Seen):
            return message
