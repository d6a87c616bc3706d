"""How every process of ours begins, logs and ends. Standard library only: some are small."""

from __future__ import annotations

import logging
import os
import sys
from io import TextIOWrapper

from edge.dumps import leave_no_core_dump
from edge.errors import EdgeDoorError, reason_of

# A folder named `edge` where somebody happens to stand must not become the guard (-P: 3.11).
PYTHON = (sys.executable, "-P") if sys.version_info >= (3, 11) else (sys.executable,)
"""What starts another process of ours."""
NOT_ALLOWED = 2
"""Whoever asks without the right to it asks wrongly, whatever found it out."""


def begin() -> None:
    """Leave no core dump, and let no name that a terminal cannot show end the process."""
    leave_no_core_dump()
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def start_logging(level: str) -> None:
    """Log to standard error, a line each."""
    form = "%(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=level.upper(), format=form, force=True)


def ending(error: EdgeDoorError | OSError) -> tuple[str, int]:
    """What to say of what ended a process, and its exit code: 1 failed, 2 usage or configuration.

    An `OSError`: a full disk, one that only reads, a name that is too long.
    """
    cause: BaseException | None = error
    if isinstance(error, EdgeDoorError):
        said, code, cause = str(error), error.exit_code, error.__cause__
    else:
        place = f"{error.filename}: " if error.filename else ""
        said, code = f"{place}{reason_of(error)}.", 1
    if isinstance(cause, PermissionError):
        # Root becomes the door's own user where its state is touched.
        own = "The door's own user may not: move it, or allow that."
        said, code = f"{said.rstrip('.')}. {'Use sudo.' if os.geteuid() else own}", NOT_ALLOWED
    return said, code
