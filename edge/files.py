"""Small files that survive a power cut: whole or not at all, old or new."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
from typing import TYPE_CHECKING

from edge.folders import make_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from typing import TextIO

_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS}
"""Of FAT, which memory cards and sticks are sold with, and of disks in a network."""
_READ_OR_WRITE = 0o066
"""Of others."""
_OPEN_TO_ALL = (
    "its file system keeps no permissions, and everybody could read it: take another place, or "
    "mount it with umask=077"
)


def sync_folder(folder: Path) -> None:
    """Make the names in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def replace_file(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file anew: the old content stands until the new one is on the disk.

    Raises:
        OSError: it cannot be written; the old file stands then.
    """
    fresh = _written(path, content, mode)
    try:
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def create_file(path: Path, content: bytes) -> None:
    """Make a file that was not there, of mode 0600, and its folder.

    Raises:
        FileExistsError: it is there already.
        OSError: it cannot be written; nothing is left then.
    """
    make_folder(path.parent)
    fresh = _written(path, content, 0o600)
    try:
        _name(fresh, path)
        sync_folder(path.parent)
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink()


@contextlib.contextmanager
def made_whole(path: Path) -> Iterator[TextIO]:
    """A text file to write that was not there: under its name once it is whole, else not at all.

    Raises:
        FileExistsError: it is there by then.
        OSError: it cannot be written.
    """
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    try:
        with draft.open("x", encoding="utf-8", newline="") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        _name(draft, path)
        sync_folder(path.absolute().parent)
    finally:
        draft.unlink(missing_ok=True)


@contextlib.contextmanager
def naming(path: Path) -> Iterator[None]:
    """Around work on an open file, whose errors say that a disk is full, and not which."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from error


def clear_away(path: Path) -> None:
    """See that nothing stands at `path`, whatever it was; what a folder held may stay beside it.

    Raises:
        OSError: it cannot be moved or removed.
    """
    try:
        path.unlink(missing_ok=True)
    except OSError:
        if not path.is_dir():
            raise
        aside = tempfile.mkdtemp(dir=path.parent, prefix=f"{path.name}.")
        path.rename(aside)  # gone at once, however long what is in it takes
        shutil.rmtree(aside, ignore_errors=True)


def _name(fresh: Path, path: Path) -> None:
    """Put a file under its name: whole or not at all, and never over another."""
    try:
        os.link(fresh, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from error
        fresh.rename(path)


def _set_mode(file: int, mode: int) -> None:
    """Say who may read a file, and see that it is so: FAT keeps it not, without a word."""
    with contextlib.suppress(PermissionError):
        os.fchmod(file, mode)
    if os.fstat(file).st_mode & ~mode & _READ_OR_WRITE:
        raise OSError(errno.ENOTSUP, _OPEN_TO_ALL)


def _written(path: Path, content: bytes, mode: int) -> Path:
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)  # of one that was cut short, or a link that leads elsewhere
    handle = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        with naming(path), os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            _set_mode(file.fileno(), mode)
            os.fsync(file.fileno())
    except OSError:
        with contextlib.suppress(OSError):
            fresh.unlink()
        raise
    return fresh
