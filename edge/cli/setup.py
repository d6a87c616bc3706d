"""Setting up: the configuration file and what it says."""

from __future__ import annotations

from typing import Annotated

import typer

from edge.cli.base import ConfigOption, JsonOption, app, config_path, read_config, show
from edge.config.example import example


@app.command("config")
def configuration(
    *,
    print_example: Annotated[
        bool, typer.Option("--example", help="Print a file with every key and its default.")
    ] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> None:
    """Check the configuration file and show what is in force."""
    if print_example:
        typer.echo(example(), nl=False)
        return
    settings = read_config(config, required=True)
    path = str(config_path(config))
    result = {"ok": True, "file": path, "config": settings.model_dump(mode="json")}
    show(result, as_json=json, text=f"{path} is valid.")
