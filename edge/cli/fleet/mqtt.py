"""The MQTT reference: what a door says and hears."""

from __future__ import annotations

from edge.cli.base import JsonOption, app, console, show
from edge.link.reference import page, schemas


@app.command()
def mqtt(*, json: JsonOption = False) -> None:
    """Print every topic and payload, as a page or as JSON Schemas."""
    if json:
        show(schemas(), as_json=True, text="")
    else:
        console.out(page(), highlight=False, end="")
