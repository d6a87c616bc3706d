"""Every command a person types. One file a family; `root` knows which command is in which."""

from __future__ import annotations

import sys

from edge.interrupt import end_at_once

TYPE_CHECKING = False
if TYPE_CHECKING:
    from edge.cli.root import app

__all__ = ["app", "main"]


def main() -> None:
    """Run one command and exit: 0 done, 1 failed, 2 usage or configuration, 130 Ctrl-C."""
    end_at_once()
    from edge.cli.root import app, fail
    from edge.errors import EdgeDoorError
    from edge.process import begin, ending

    begin()
    try:
        app()
    except (EdgeDoorError, OSError) as error:
        sys.exit(fail(*ending(error)))


def __getattr__(name: str) -> object:
    """The commands, for who wants them in this process."""
    if name == "app":
        from edge.cli.root import app

        return app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
