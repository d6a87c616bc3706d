"""Many doors: the collector and the dashboard. Their packages are the extra `fleet`."""

from __future__ import annotations

import os
import socket
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from edge.cli.base import app, start_logging
from edge.cli.service import heartbeat
from edge.errors import UsageError
from edge.fleet.places import broker_at
from edge.link.client import Broker
from edge.stopping import StopSignal
from edge.systemd import notify

if TYPE_CHECKING:
    from collections.abc import Iterator

DatabaseOption = Annotated[
    str,
    typer.Option(
        "--database",
        envvar="EDGE_DOOR_DATABASE",
        help="sqlite:////var/lib/edge-door-fleet/fleet.db, or postgresql://user:password@host/name",
    ),
]


@app.command()
def collect(  # noqa: PLR0913 - one option each
    *,
    broker: Annotated[
        str,
        typer.Option(envvar="EDGE_DOOR_BROKER", help="mqtt://host:1883, or mqtts://host:8883"),
    ],
    database: DatabaseOption,
    ca_file: Annotated[Path | None, typer.Option(help="Who signs the broker's name.")] = None,
    cert_file: Annotated[Path | None, typer.Option(help="This collector's certificate.")] = None,
    key_file: Annotated[Path | None, typer.Option(help="Its key.")] = None,
    username: Annotated[str | None, typer.Option(help="For brokers that ask for one.")] = None,
    password_file: Annotated[Path | None, typer.Option(help="File with the password.")] = None,
    base_topic: Annotated[str, typer.Option(help="As in the doors' [mqtt].")] = "facelock",
    name: Annotated[
        str, typer.Option(help="Tells collectors apart that run side by side.")
    ] = f"{socket.gethostname()[:40]}",
    keep_days: Annotated[int, typer.Option(min=1, help="Older rows are removed.")] = 400,
    metrics_port: Annotated[
        int | None, typer.Option(help="Figures for Prometheus, on 127.0.0.1.")
    ] = None,
) -> None:
    """Events of all doors from the broker into a database, each once, its chain checked."""
    with _extra_packages():
        from edge.fleet.collector.figures import Figures  # noqa: PLC0415
        from edge.fleet.collector.process import Collector, Settings  # noqa: PLC0415
        from edge.fleet.database.database import Database  # noqa: PLC0415

    start_logging(os.environ.get("EDGE_DOOR_LOG", "info"))
    section = broker_at(
        broker,
        ca_file=ca_file,
        cert_file=cert_file,
        key_file=key_file,
        username=username,
        password_file=password_file,
        base_topic=base_topic,
    )
    figures = Figures()
    if metrics_port is not None:
        figures.serve(metrics_port)
    place = Broker(section, client_id=f"edge-door-collector-{name}")
    store = Database.open(database)
    settings = Settings(base_topic, name, keep_days)
    notify("READY=1")
    with StopSignal() as stop:
        Collector(settings, place, store, figures).serve(stop, heartbeat)
    store.close()


@contextmanager
def _extra_packages() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{error.name} is missing: pip install 'edge-door[fleet]', the fleet's own packages"
        ) from error
