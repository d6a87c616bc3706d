"""The program that sees; apart from the others, which do without cameras and networks."""

from __future__ import annotations

from edge.cli.base import ConfigOption, app, believed_config, start_logging
from edge.cli.door.service import heartbeat
from edge.sight.daemon import Sight
from edge.stopping import StopSignal
from edge.systemd import notify


@app.command()
def sight(config: ConfigOption = None) -> None:
    """Camera to decision alone."""
    settings = believed_config(config, required=True, own=True)
    start_logging(settings.log.level)
    with StopSignal() as stop:
        looking = Sight(settings)
        notify("READY=1")
        looking.run(stop.is_set, heartbeat=heartbeat)
        notify("STOPPING=1")
