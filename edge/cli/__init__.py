"""Every command a person types. One file a family; this one puts them together."""

from __future__ import annotations

import sys

from edge.cli import (
    credentials,
    fleet,
    ledger,
    liveness,
    measure,
    models,
    people,
    programs,
    setup,
)
from edge.cli.base import app, fail
from edge.errors import EdgeDoorError

__all__ = [
    "app",
    "credentials",
    "fleet",
    "ledger",
    "liveness",
    "main",
    "measure",
    "models",
    "people",
    "programs",
    "setup",
]


def main() -> None:
    """Run one command and exit: 0 done, 1 failed, 2 usage or configuration."""
    try:
        app()
    except EdgeDoorError as error:
        sys.exit(fail(str(error), error.exit_code))
