"""Words for people, which must never hold up the lock."""

from __future__ import annotations

import contextlib
import os
import select

STDERR = 2
LONGEST = 3000
"""Bytes. A pipe that select calls writable takes this much without waiting."""


def say(text: str) -> None:
    """One line on standard error; dropped if whoever reads there does not keep up."""
    line = f"door: {text}\n".encode(errors="replace")[-LONGEST:]
    with contextlib.suppress(OSError, ValueError):  # nobody there: no reason to stop a guard
        if select.select([], [STDERR], [], 0)[1]:
            os.write(STDERR, line)
