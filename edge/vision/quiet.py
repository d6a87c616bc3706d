"""Native libraries write to standard error as they like; what they say belongs in our log."""

from __future__ import annotations

import contextlib
import logging
import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

log = logging.getLogger(__name__)

_STDERR = 2
_one_at_a_time = threading.Lock()


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Log at level DEBUG what is written to file descriptor 2 meanwhile, by whichever thread."""
    # In memory: a camera comes back, and a picture is read, on a disk that takes nothing.
    with _one_at_a_time, os.fdopen(os.memfd_create("said"), "w+b") as said:
        try:
            kept = os.dup(_STDERR)
        except OSError:  # closed: nobody would read it anyway
            yield
            return
        os.dup2(said.fileno(), _STDERR)
        try:
            yield
        finally:
            os.dup2(kept, _STDERR)
            os.close(kept)
            said.seek(0)
            for line in said.read().decode(errors="replace").splitlines():
                log.debug("%s", line)
