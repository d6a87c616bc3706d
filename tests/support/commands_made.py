"""The commands, made once: typer makes all that are imported anew at each call.

Imported last by the process that `tests.support.forked` forks from; no test imports it.
"""

from functools import cache

import typer.main

from edge.cli.root import app

typer.main.get_command = cache(typer.main.get_command)
typer.main.get_command(app)
