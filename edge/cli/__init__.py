"""Every command a person types. One file a family; `root` knows which command is in which."""

from __future__ import annotations

import os
import signal
import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING

from edge.dumps import leave_no_core_dump

if TYPE_CHECKING:
    from edge.cli.root import app

__all__ = ["app", "main"]

INTERRUPTED = 130
"""128 and the signal's number, as shells have it."""
NOT_ALLOWED = 2
"""Whoever asks without the right to it asks wrongly, whatever found it out."""


def main() -> None:
    """Run one command and exit: 0 done, 1 failed, 2 usage or configuration, 130 Ctrl-C."""
    # Programs that must clean up more set their own. This one ends any command without a word,
    # and before anything is imported: that takes longest of all.
    signal.signal(signal.SIGINT, lambda *_: sys.exit(INTERRUPTED))
    leave_no_core_dump()
    if isinstance(sys.stdout, TextIOWrapper):  # a name that a terminal cannot show ends nothing
        sys.stdout.reconfigure(errors="backslashreplace")
    from edge.cli.root import app, fail
    from edge.errors import EdgeDoorError

    # Root becomes the door's own user where its state is touched.
    advice = "Use sudo." if os.geteuid() else "The door's own user may not: move it, or allow that."
    try:
        app()
    except EdgeDoorError as error:
        said, code = str(error), error.exit_code
        if isinstance(error.__cause__, PermissionError):
            said, code = f"{said.rstrip('.')}. {advice}", NOT_ALLOWED
        sys.exit(fail(said, code))
    except OSError as error:  # a full disk, one that only reads, a name that is too long
        place = f"{error.filename}: " if error.filename else ""
        said, code = f"{place}{error.strerror or error}.", 1
        if isinstance(error, PermissionError):
            said, code = f"{said} {advice}", NOT_ALLOWED
        sys.exit(fail(said, code))


def __getattr__(name: str) -> object:
    """The commands, for who wants them in this process."""
    if name == "app":
        from edge.cli.root import app

        return app
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
