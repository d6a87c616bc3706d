"""Checks of this installation."""

from __future__ import annotations

from dataclasses import asdict

import typer
from rich.table import Table
from rich.text import Text

from edge.cli.base import ConfigOption, JsonOption, app, config_path, read_config, show
from edge.ops.doctor import run_checks

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@app.command()
def doctor(config: ConfigOption = None, json: JsonOption = False) -> None:
    """Check everything that must be right before a face can open this door."""
    path = config_path(config)
    checks = run_checks(read_config(config, required=path.exists()), path)
    table = Table("check", "", "what was found", "what to do")
    for check in checks:
        mark = Text(check.level, _COLOURS[check.level])
        table.add_row(check.name, mark, check.sentence, check.remedy)
    ok = all(check.level != "fail" for check in checks)
    show({"ok": ok, "checks": [asdict(check) for check in checks]}, as_json=json, text=table)
    if not ok:
        raise typer.Exit(1)
