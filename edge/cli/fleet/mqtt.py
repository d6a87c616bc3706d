"""The MQTT reference: what a door says and hears."""

from __future__ import annotations

from json import dumps

from edge.cli.base import JsonOption, app, console
from edge.link.reference import page, schemas


@app.command()
def mqtt(*, json: JsonOption = False) -> None:
    """Print every topic and payload, as a page or as JSON Schemas."""
    if json:
        console.out(dumps(schemas(), ensure_ascii=False), highlight=False)  # of each topic, alone
    else:
        console.out(page(), highlight=False, end="")
