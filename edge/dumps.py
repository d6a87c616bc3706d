"""Core dumps, of which these programs leave none."""

from __future__ import annotations

import contextlib
import resource


def leave_no_core_dump() -> None:
    """See that the end of this process writes its memory nowhere: keys and templates lie in it.

    1 is the limit at which the kernel pipes it to no program either; at 0 it does (core(5)).
    """
    with contextlib.suppress(OSError, ValueError):  # not above a limit of 0
        resource.setrlimit(resource.RLIMIT_CORE, (1, 1))
