"""The demonstration."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer

from edge.cli.base import JsonOption, app, console, show
from edge.cli.places import to_draw
from edge.errors import UsageError
from edge.ops.demo.patience import Patience
from edge.owner import sealed_copy
from edge.process import start_logging


@app.command()
def demo(
    *,
    camera: Annotated[
        str | None, typer.Option("--camera", help="A camera, film or address: try it yourself.")
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", help="Draw what happened (PNG or SVG).", callback=to_draw),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show the main job: a stranger, a still picture, and the person who may enter."""
    if copy := sealed_copy():
        raise UsageError(
            f"this machine is a door whose owner has sealed it: its guard obeys {copy} alone, so "
            "no other door can be played here. Show the demo on another machine."
        )
    start_logging("error")
    lines = Patience((lambda _line: None) if json else console.print)
    with lines, tempfile.TemporaryDirectory(prefix="edge-door-demo-") as folder:
        lines.say("getting ready: models, a broker, three programs")
        # What they need takes a second to import, and the line above comes first.
        from edge.ops.demo.live import play_live
        from edge.ops.demo.show import play, summary

        if camera:
            result = play_live(Path(folder), camera, lines.say)
        else:
            result = play(Path(folder), lines.say, picture)
    show(result.as_json(), as_json=json, text=summary(result))
    if not result.ok:
        raise typer.Exit(1)
