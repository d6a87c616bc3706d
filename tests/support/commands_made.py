"""The commands, made anew only where a module has brought more: typer makes all at each call.

A plugin of pytest's, and the last import of the process that `tests.support.forked` forks from.
"""

import sys
from functools import cache
from typing import Any

import typer.main
import typer.testing

from edge.cli.root import app

_make = typer.main.get_command


@cache
def _made(of: typer.Typer, _modules: int) -> Any:
    return _make(of)


def get_command(typer_instance: typer.Typer) -> Any:
    """As typer's."""
    modules = sum(name.startswith("edge.cli.") for name in sys.modules)
    return _made(typer_instance, modules)


for module in (typer.main, typer.testing):
    for name in ("get_command", "_get_command"):
        if hasattr(module, name):
            setattr(module, name, get_command)
get_command(app)
