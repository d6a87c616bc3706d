"""Questions to a running door: watch, status."""

from __future__ import annotations

import itertools

import typer
from rich.live import Live
from rich.table import Table

from edge.cli.base import ConfigOption, JsonOption, app, console, read_config, show
from edge.errors import CameraError
from edge.ops.standing import Standing, standing
from edge.ops.viewer import NOTHING_SHOWN, Viewer, changes
from edge.wire.channel import Channel
from edge.wire.codec import encode
from edge.wire.messages import Seen, Watch


@app.command()
def watch(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Show live what sight sees and decides, until Ctrl-C."""
    settings = read_config(config)
    with Channel.connect(settings.sight_socket) as channel:
        channel.ask(Watch())
        viewer = Viewer()
        if json:
            while True:
                console.file.write(encode(_next(channel)).decode() + "\n")
                console.file.flush()  # whoever reads it reads along
        if not console.is_terminal:
            for line in changes(_next(channel) for _ in itertools.count()):
                console.print(line, soft_wrap=True)
        with Live(viewer, console=console, refresh_per_second=10):
            while True:
                viewer.take(_next(channel))


@app.command()
def status(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Ask the running sight how it is; and how far its events travel.

    Exit code 1 where something does not work.
    """
    found = standing(read_config(config))
    show(found.as_json(), as_json=json, text=_table(found))
    if not found.ok:
        raise typer.Exit(1)


def _table(found: Standing) -> Table:
    table = Table("what", "how it is")
    for what, how in found.sentences().items():
        table.add_row(what, how)
    return table


def _next(channel: Channel) -> Seen:
    while True:
        message = channel.receive(timeout_s=30.0)
        if message is None:
            raise CameraError(NOTHING_SHOWN)
        if isinstance(message, Seen):
            return message
