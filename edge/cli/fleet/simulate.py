"""Doors that are not there, for trying a broker, a collector and a dashboard."""

from __future__ import annotations

import re
import tempfile
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.live import Live
from rich.table import Table

from edge.cli.base import JsonOption, app, complaints, show
from edge.cli.places import to_look_in, to_read
from edge.config.device import DEVICE_ID
from edge.errors import UsageError
from edge.fleet.places import BASE_TOPIC, broker_at
from edge.fleet.simulate.run import Fleet, run_thin, run_whole
from edge.fleet.simulate.tally import Tally
from edge.fleet.simulate.whole import MOST
from edge.stopping import StopSignal

SHOW_EVERY_S = 0.5
MOST_EVENTS = 100_000.0
"""A second: more than one process tells, so that none would be through with what is due."""


@app.command()
def simulate(
    *,
    broker: Annotated[
        str,
        typer.Option(envvar="EDGE_DOOR_BROKER", help="mqtt://host:1883, or mqtts://host:8883"),
    ],
    doors: Annotated[int, typer.Option(min=1, max=50_000, help="How many.")] = 5,
    rate: Annotated[
        float, typer.Option(min=0, max=MOST_EVENTS, help="Events a second, over all doors.")
    ] = 1.0,
    seconds: Annotated[
        float | None, typer.Option(min=0, help="How long; without it, until Ctrl-C.")
    ] = None,
    thin: Annotated[
        bool, typer.Option("--thin", help=f"Thin doors also where whole ones would do (to {MOST}).")
    ] = False,
    seed: Annotated[int, typer.Option(help="Another number, another story.")] = 1,
    prefix: Annotated[str, typer.Option(help="The doors are PREFIX1, PREFIX2, ...")] = "sim",
    base_topic: Annotated[str, typer.Option(help="As in the doors' \\[mqtt].")] = BASE_TOPIC,
    pki: Annotated[
        Path | None,
        typer.Option(help="Each door gets its certificate of this authority.", callback=to_look_in),
    ] = None,
    ca_file: Annotated[
        Path | None, typer.Option(help="Who signs the broker's name.", callback=to_read)
    ] = None,
    json: JsonOption = False,
) -> None:
    """Many doors that are not there: they tell a story, ship it, and obey confirmations."""
    section = broker_at(broker, ca_file=ca_file, base_topic=base_topic)
    if not re.fullmatch(DEVICE_ID, f"{prefix}{doors}") or not prefix:
        raise UsageError(f"--prefix {prefix}: letters, digits, _ and -, with the number 64 at most")
    tally, run = Tally(), run_thin if thin or doors > MOST else run_whole
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="edge-door-simulate-") as folder:
        fleet = Fleet(section, doors, rate, seconds, seed, Path(folder), prefix, pki)
        with StopSignal() as stop, Live(console=complaints, auto_refresh=False) as live:
            shown_at = 0.0

            def tell(tally: Tally) -> None:
                nonlocal shown_at
                if time.monotonic() - shown_at >= SHOW_EVERY_S:
                    shown_at = time.monotonic()
                    live.update(_table(tally), refresh=True)

            run(fleet, stop, tally, tell)
    seconds = round(time.monotonic() - begun, 3)
    result = {"doors": doors, "seconds": seconds, **tally.as_dict()}
    show(result, as_json=json, text=_table(tally))


def _table(tally: Tally) -> Table:
    table = Table("what", "doors, events or connections")
    for name, value in tally.as_dict().items():
        table.add_row(name, str(value))
    return table
