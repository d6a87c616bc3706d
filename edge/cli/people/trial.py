"""Trying the door without opening it: try."""

from __future__ import annotations

import time
from typing import Annotated

import typer
from rich.live import Live

from edge.cli.base import ConfigOption, JsonOption, app, complaints, read_config, show
from edge.errors import CameraError
from edge.ops.viewer import NOTHING_SHOWN, Viewer
from edge.records import Outcome, Reason
from edge.wire.channel import Channel
from edge.wire.messages import Rehearse, Seen, Watch
from edge.words import LET_IN_ALREADY, why


@app.command("try")
def try_out(
    *,
    claim: Annotated[
        str, typer.Option(help="Who is said to stand there, as `edge-door claim` says it.")
    ] = "",
    seconds: Annotated[float, typer.Option(min=1, max=120, help="How long to wait.")] = 30.0,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Judge whoever stands there, and open nothing.

    Exit code 0: they would be let in; 1: they would not, or were let in already.
    """
    settings = read_config(config)
    with Channel.connect(settings.sight_socket) as control:
        control.ask(Rehearse(seconds, claim))
        try:
            with Channel.connect(settings.sight_socket) as channel:
                channel.ask(Watch())
                last = _until_decided(channel, time.monotonic() + seconds)
        finally:
            control.ask(Rehearse(0))
    if last is None:
        raise CameraError(NOTHING_SHOWN)
    let_in, already = last.outcome is Outcome.GRANT, _already(last)
    person = last.person if last.person and last.reason is not Reason.NO_MATCH else None
    found = {
        "ok": let_in,
        "outcome": last.outcome.value,
        "reason": last.reason.value,
        "let_in_already": already,
        "person": person,
        "similarity": last.similarity,
        "threshold": last.threshold,
    }
    if already:
        verdict = f"was {LET_IN_ALREADY}"
    elif let_in:
        verdict = "would be let in"
    else:
        verdict = f"would not be let in: {why(last.outcome, last.reason)}"
    show(found, as_json=json, text=f"{person or 'Whoever stood there'} {verdict}.")
    if not let_in:
        raise typer.Exit(1)


def _until_decided(channel: Channel, deadline: float) -> Seen | None:
    """The first final decision, or the last that was seen in time."""
    viewer, last = Viewer(), None
    with Live(viewer, console=complaints, refresh_per_second=10, transient=True):
        while (left := deadline - time.monotonic()) > 0:
            seen = channel.receive(left)
            if not isinstance(seen, Seen):
                continue
            last = seen
            viewer.take(seen)
            if seen.outcome is not Outcome.WAIT or _already(seen):
                break
    return last


def _already(seen: Seen) -> bool:
    """Whether they were let in and have not left the view since: nothing is judged then."""
    return seen.outcome is Outcome.WAIT and seen.reason is Reason.GRANTED
