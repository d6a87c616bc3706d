"""Many doors: the collector and the dashboard. Their packages are the extra `fleet`."""

from __future__ import annotations

import os
import secrets
import socket
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from edge.cli.base import JsonOption, app, complaints, show
from edge.cli.places import to_read
from edge.config.device import LogSection
from edge.errors import UsageError
from edge.fleet.kinds import Role
from edge.fleet.places import BASE_TOPIC, broker_at
from edge.installed import with_extra
from edge.process import start_logging
from edge.stopping import StopSignal
from edge.systemd import heartbeat, notify

if TYPE_CHECKING:
    from collections.abc import Iterator

operator_app = typer.Typer(help="Who may use the dashboard.", no_args_is_help=True)
app.add_typer(operator_app, name="operator")

DatabaseOption = Annotated[
    str,
    typer.Option(
        "--database",
        envvar="EDGE_DOOR_DATABASE",
        help="sqlite:////var/lib/edge-door-fleet/fleet.db, or postgresql://user:password@host/name",
    ),
]


_OVERHEARD = (
    "without https: whoever shares the network can read passwords and names, and take a login "
    "over. Give --cert-file and --key-file, or --behind-tls where a proxy speaks https."
)
_LEVELS = get_args(LogSection.model_fields["level"].annotation)


def _level() -> str:
    """How much a program without a configuration says."""
    level = os.environ.get("EDGE_DOOR_LOG", "info")
    if level not in _LEVELS:
        raise UsageError(f"EDGE_DOOR_LOG is one of {', '.join(_LEVELS)}, not {level!r}.")
    return level


@app.command()
def collect(
    *,
    broker: Annotated[
        str,
        typer.Option(envvar="EDGE_DOOR_BROKER", help="mqtt://host:1883, or mqtts://host:8883"),
    ],
    database: DatabaseOption,
    ca_file: Annotated[
        Path | None, typer.Option(help="Who signs the broker's name.", callback=to_read)
    ] = None,
    cert_file: Annotated[
        Path | None, typer.Option(help="This collector's certificate.", callback=to_read)
    ] = None,
    key_file: Annotated[Path | None, typer.Option(help="Its key.", callback=to_read)] = None,
    username: Annotated[str | None, typer.Option(help="For brokers that ask for one.")] = None,
    password_file: Annotated[
        Path | None, typer.Option(help="File with the password.", callback=to_read)
    ] = None,
    base_topic: Annotated[str, typer.Option(help="As in the doors' \\[mqtt].")] = BASE_TOPIC,
    name: Annotated[
        str, typer.Option(help="Tells collectors apart that run side by side.")
    ] = socket.gethostname()[:40],
    keep_days: Annotated[int, typer.Option(min=1, help="Older rows are removed.")] = 400,
    metrics_port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Metrics for Prometheus, on 127.0.0.1."),
    ] = None,
) -> None:
    """Events of all doors from the broker into a database, each once, its chain checked."""
    with _extra_packages("fleet"):
        from edge.fleet.collector.metrics import CollectorMetrics
        from edge.fleet.collector.process import Collector, Settings, broker_of
        from edge.fleet.database.database import Database

    start_logging(_level())
    section = broker_at(
        broker,
        ca_file=ca_file,
        cert_file=cert_file,
        key_file=key_file,
        username=username,
        password_file=password_file,
        base_topic=base_topic,
    )
    settings = Settings(base_topic, name, keep_days)
    metrics = CollectorMetrics()
    if metrics_port is not None:
        metrics.serve(metrics_port)
    place = broker_of(section, name)
    store = Database.open(database)
    notify("READY=1")
    with StopSignal() as stop:
        Collector(settings, place, store, metrics).serve(stop, heartbeat)
    store.close()


@app.command()
def dashboard(
    *,
    database: DatabaseOption,
    host: Annotated[str, typer.Option(help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen at.")] = 8080,
    cert_file: Annotated[
        Path | None, typer.Option(help="Certificate, for https.", callback=to_read)
    ] = None,
    key_file: Annotated[Path | None, typer.Option(help="Its key.", callback=to_read)] = None,
    behind_tls: Annotated[
        bool, typer.Option("--behind-tls", help="A proxy in front speaks https.")
    ] = False,
    proxies: Annotated[
        str, typer.Option(help="Addresses of proxies whose X-Forwarded-For is believed.")
    ] = "",
    title: Annotated[str, typer.Option(help="What this wall is called.")] = "edge-door",
    oidc: Annotated[
        Path | None,
        typer.Option(help="TOML: the OpenID provider that lets operators in.", callback=to_read),
    ] = None,
) -> None:
    """All doors in a browser: alarms, history, people, commands."""
    with _extra_packages("fleet"):
        from edge.fleet.database.database import Database
        from edge.fleet.web.provider import read_provider
        from edge.fleet.web.serving import Place, listener, serve
    if oidc is not None:
        with _extra_packages("oidc"):
            import_module("edge.fleet.web.oidc")

    start_logging(_level())
    if (cert_file is None) != (key_file is None):
        raise UsageError("--cert-file and --key-file: give both or neither")
    place = Place(host, port, cert_file, key_file, proxies, behind_tls)
    provider = None if oidc is None else read_provider(oidc)
    listening = listener(place)
    store = Database.open(database)
    notify("READY=1")
    complaints.print(f"the dashboard is at {place.address}", highlight=False)
    if place.overheard:
        complaints.print(_OVERHEARD, highlight=False, soft_wrap=True)
    serve(store, place, listening, title, provider)
    store.close()


@app.command()
def wall(
    *,
    doors: Annotated[int, typer.Option(min=1, max=50, help="How many doors.")] = 5,
    port: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="The dashboard's; a free one if unset."),
    ] = None,
    seconds: Annotated[
        float | None, typer.Option("--for", min=1, help="End by itself; else with Ctrl-C.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show it all on this machine: broker, collector, dashboard, and doors with made-up people."""
    with _extra_packages("fleet"):
        from edge.fleet.show.wall import Wall

    start_logging("error")
    with (
        StopSignal() as stop,
        tempfile.TemporaryDirectory(prefix="edge-door-wall-") as folder,
        Wall(Path(folder), doors, port) as shown,
    ):
        there = shown.start()
        text = (
            f"The dashboard is at {there.address}\n"
            f"name {there.name}, password {there.password}\n"
            f"commands: edge-door command sign door1 unlock --reason WHY --key {there.key}\n"
            "Ctrl-C ends everything."
        )
        show({"doors": doors, **asdict(there)}, as_json=json, text=text)
        sys.stdout.flush()
        end = time.monotonic() + seconds if seconds else None
        while not stop.wait(0.5) and (end is None or time.monotonic() < end):
            pass


@operator_app.command("add")
def add_operator(
    name: Annotated[str, typer.Argument(help="How they log in.")],
    *,
    database: DatabaseOption,
    role: Annotated[Role, typer.Option(help="For all doors.")] = Role.ADMINISTRATOR,
    json: JsonOption = False,
) -> None:
    """Somebody who may log in; prints a password that is asked for nowhere else."""
    with _extra_packages("fleet"):
        from edge.fleet.database.database import Database
        from edge.fleet.web import operators
        from edge.fleet.web.roles import Grant

    password = secrets.token_urlsafe(12)
    store = Database.open(database)
    with store.writing() as writing:
        now = time.time()
        operators.add_operator(writing, name, password, [Grant(role, None)], now)
        actor = operators.Actor("host", "")
        operators.write_action(
            writing, now, actor, "manage_operators", name, f"added: {role.value}"
        )
    store.close()
    result = {"name": name, "role": role.value, "password": password}
    show(result, as_json=json, text=f"{name} is {role.value}. Password: {password}")


@contextmanager
def _extra_packages(extra: str) -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{error.name} is missing, one of the packages for this. Run: {with_extra(extra)}"
        ) from error
