"""Roll-outs: an update for chosen doors, wave after wave."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from edge.bundle import read_bundle
from edge.cli.base import ConfigOption, JsonOption, own_config, show, waiting
from edge.cli.office.base import office_app
from edge.cli.places import read, to_read
from edge.errors import UsageError
from edge.link.broker import Broker
from edge.link.payloads import RolloutState
from edge.link.people import MAX_PACKET
from edge.office.rollout import Rollout, split
from edge.stopping import StopSignal


@office_app.command()
def rollout(
    bundle: Annotated[
        Path, typer.Argument(help="A file of `edge-door update make`.", callback=to_read)
    ],
    *,
    door: Annotated[
        list[str] | None, typer.Option(help="Only these; else all that are online and take them.")
    ] = None,
    wave: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Doors in each wave, 1 if unset; one more wave takes the rest."),
    ] = None,
    minutes: Annotated[
        float, typer.Option(min=0.01, help="Within which all doors of a wave must have it.")
    ] = 30.0,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Offer an update to doors in waves; halt when one fails its self-test or stays away.

    Ctrl-C halts it too.
    """
    content = read(bundle)
    version = read_bundle(content, None).seal.version
    settings = own_config(config)
    with Broker(settings.mqtt, "edge-door-rollout", MAX_PACKET).connect() as connection:
        run = Rollout(connection, settings.mqtt.base_topic, content, version)
        waves = split(_chosen(run, door), wave or [1])
        with waiting() as tell, StopSignal() as stop:
            ended = run.run(waves, minutes * 60, tell, stop.is_set)
        run.clear()
        connection.close()
    rows = [
        {"wave": number, "door": name, "state": run.state(name)}
        for number, names in enumerate(ended.waves, start=1)
        for name in names
    ]
    table = Table("wave", "door", "state", caption=f"{ended.state.value} {ended.why}".strip())
    for row in rows:
        table.add_row(*map(str, row.values()))
    done = ended.state is RolloutState.DONE
    result = {"ok": done, "version": version, "why": ended.why, "doors": rows}
    show(result, as_json=json, text=table)
    if not done:
        raise typer.Exit(1)


def _chosen(run: Rollout, named: list[str] | None) -> list[str]:
    """All that are online; who is named may be away, or up with a camera program that is not."""
    for name in named or ():
        if name not in run.reports:
            raise UsageError(f"{name} has never said that it takes updates ([mqtt] updates)")
    doors = named or sorted(run.online & set(run.reports))
    if not doors:
        raise UsageError("no door is online that takes updates: set `updates = true` in its [mqtt]")
    return doors
