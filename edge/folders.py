"""Folders that nobody else may write in. The guard makes some too, so this needs little."""

from __future__ import annotations

import os


def make_folder(path: str | os.PathLike[str], mode: int = 0o755) -> None:
    """Make a folder unless it is there, and those above it, which others may read.

    A stricter umask counts; one that forbids nothing does not: what `os.makedirs` and `Path.mkdir`
    make above has whatever it leaves, so that others could put another folder in its place.

    Raises:
        OSError: it cannot be made, or something else stands there.
    """
    place = os.fspath(path).rstrip("/") or "/"
    if os.path.isdir(place):
        return
    if above := os.path.dirname(place):
        make_folder(above)
    try:
        os.mkdir(place, mode)
    except FileExistsError:
        if not os.path.isdir(place):
            raise
