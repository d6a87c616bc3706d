"""A door's metrics for Prometheus."""

from __future__ import annotations

from typing import Annotated

import typer

from edge.cli.base import ConfigOption, JsonOption, app, own_config, show
from edge.errors import UsageError
from edge.installed import with_extra
from edge.stopping import StopSignal
from edge.systemd import notify

PORT = 9469


@app.command()
def metrics(
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = PORT,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Show this door's metrics to Prometheus, on 127.0.0.1 alone, until told to stop."""
    try:
        from edge.ops.exporter import serve
    except ImportError as error:
        raise UsageError(f"this needs a package more. Run: {with_extra('metrics')}") from error
    settings = own_config(config)
    with StopSignal() as stop:
        address = f"http://127.0.0.1:{serve(settings, port)}/metrics"
        show({"address": address}, as_json=json, text=address)
        notify("READY=1")
        stop.wait()
