"""The file that a database is: made, tightened, and told from whatever else may stand there."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import reason_of
from edge.files import sync_folder
from edge.folders import make_folder

if TYPE_CHECKING:
    from edge.store.schema import Schema

_BESIDE = ("-wal", "-shm", "-journal")
_INDEX_BYTES = 32 * 1024
"""Of a log's index, which SQLite makes to read as well."""


def require_ordinary(path: Path, schema: Schema) -> None:
    """SQLite would wait for ever at a pipe that somebody has put there, or beside it."""
    for each in (path, *(path.with_name(path.name + end) for end in _BESIDE)):
        try:
            ordinary = stat.S_ISREG(each.stat().st_mode)
        except OSError:  # it is not there, or is gone again: a journal comes and goes
            continue
        if not ordinary:
            raise schema.error(
                f"{each} is no ordinary file: somebody has put it there. Move it away; "
                f"the {schema.name} may have to be restored from a backup."
            )


def reading(path: Path) -> str:
    """How to open for reading: on a disk that only reads or is full, no file is made beside it."""
    log, disk = path.with_name(f"{path.name}-wal"), os.statvfs(path)
    full = disk.f_bavail * disk.f_frsize < _INDEX_BYTES
    empty = not log.exists() or not log.stat().st_size
    settled = empty and (full or disk.f_flag & os.ST_RDONLY)
    return "ro&immutable=1" if settled else "ro"


def create(path: Path, schema: Schema) -> None:
    """Make an empty file with the right permissions, and its name durable."""
    if path.exists():
        return
    try:
        make_folder(path.parent)
        handle = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
        os.fchmod(handle, schema.mode)
        os.close(handle)
        sync_folder(path.parent)
    except OSError as error:
        raise schema.error(f"{path} cannot be made: {reason_of(error)}.") from error


def tighten(path: Path, mode: int) -> None:
    """Take from a file of ours, and its log, the permissions that an earlier version gave."""
    for file in (path, Path(f"{path}-wal"), Path(f"{path}-shm")):
        with suppress(OSError):  # not there, or another's: what is not ours to give, others judge
            if file.stat().st_mode & 0o777 & ~mode:
                file.chmod(mode)


def place(path: Path) -> tuple[int, int] | None:
    """Which file stands there, by device and inode; None: none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def why_not_open(path: Path) -> OSError | None:
    """SQLite does not say; it needs to write into the folder, too."""
    for place, flags in ((path, os.O_RDWR), (path.parent, os.O_RDWR | os.O_TMPFILE)):
        try:
            os.close(os.open(place, flags, 0o600))
        except OSError as error:
            return error
    return None
