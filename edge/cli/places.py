"""Files and folders on a command line, seen before its work: each of these is an option's callback.

A path that cannot be what it is to be is a mistake of usage, alike in every command.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from importlib.util import find_spec
from pathlib import Path

from edge.believed import read_ordinary
from edge.errors import UsageError, reason_of
from edge.files import replace_file
from edge.installed import with_extra

DRAWN = (".png", ".svg", ".pdf")


def to_read(path: Path | None) -> Path | None:
    """A file that is there. It is not opened: a pipe is a file too.

    Raises:
        UsageError: it is not, or may not be read.
    """
    if path is not None and _is_folder(path):
        raise UsageError(f"{path} is a folder, and a file is needed.")
    return path


def read(path: Path) -> bytes:
    """Read what `to_read` let through.

    Raises:
        UsageError: it cannot be read, or is no ordinary file.
    """
    try:
        return read_ordinary(path)
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {reason_of(error)}.") from error


def to_look_in(folder: Path | None) -> Path | None:
    """A folder that is there.

    Raises:
        UsageError: it is not, or may not be read.
    """
    if folder is not None and not _is_folder(folder):
        raise UsageError(f"{folder} is a file, and a folder is needed.")
    return folder


def to_write(path: Path | None) -> Path | None:
    """A file that can be written; what is there stays as it is.

    Raises:
        UsageError: it cannot.
    """
    if path is None:
        return None
    folder = path.absolute().parent
    try:
        if path.is_dir():
            raise UsageError(f"{path} is a folder: name a file in it.")
        if not folder.is_dir():
            raise UsageError(f"{path} cannot be written: there is no folder {folder}.")
        if path.is_file():
            path.open("ab").close()
        elif not path.exists():  # a pipe or a device is not tried
            tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {reason_of(error)}.") from error
    return path


def write(path: Path, content: bytes) -> None:
    """Write what `to_write` let through: a file whole or not at all.

    Raises:
        UsageError: it cannot be written.
    """
    try:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            path.write_bytes(content)  # into it: what takes the place of /dev/null is its end
        else:
            replace_file(path, content, 0o644)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {reason_of(error)}.") from error


def to_make(path: Path | None) -> Path | None:
    """A file that is not there, and can be made.

    Raises:
        UsageError: it is there, or cannot.
    """
    if to_write(path) and path is not None and os.path.lexists(path):
        raise UsageError(f"{path} exists already: name another file.")
    return path


def to_draw(path: Path | None) -> Path | None:
    """A picture that can be written, and drawn.

    Raises:
        UsageError: it cannot, its ending is no picture's, or matplotlib is missing.
    """
    if path is not None:
        if path.suffix.lower() not in DRAWN:
            raise UsageError(f"{path} is no name for a picture: it ends with {', '.join(DRAWN)}.")
        if find_spec("matplotlib") is None:
            raise UsageError(f"drawing needs matplotlib. Run: {with_extra('plot')}")
    return to_write(path)


def to_fill(folder: Path | None) -> Path | None:
    """A folder that can be written, or made; it is not made yet.

    Raises:
        UsageError: it cannot.
    """
    if folder is None:
        return None
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    if not there.is_dir():
        raise UsageError(f"{folder} cannot be a folder: {there} is a file.")
    try:
        tempfile.TemporaryFile(dir=there).close()
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {reason_of(error)}.") from error
    return folder


def _is_folder(path: Path) -> bool:
    try:
        status = path.stat()
        if not os.access(path, os.R_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {reason_of(error)}.") from error
    return stat.S_ISDIR(status.st_mode)
