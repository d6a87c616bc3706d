"""Every command a person types. One file a family; `root` knows which command is in which."""

from __future__ import annotations

import sys

from edge.cli.root import app, fail
from edge.errors import EdgeDoorError

__all__ = ["app", "main"]


def main() -> None:
    """Run one command and exit: 0 done, 1 failed, 2 usage or configuration."""
    try:
        app()
    except EdgeDoorError as error:
        sys.exit(fail(str(error), error.exit_code))
