"""Files that were opened while this process might read them, for when it may not any more.

Root opens the pictures in somebody's closed home; who decodes them has given up root's rights.
"""

from __future__ import annotations

import os
import resource
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from edge.errors import EdgeDoorError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_HELD: dict[str, int | OSError] = {}
"""By absolute path; an error where it could not be opened then either."""


def open_ordinary(path: Path) -> int:
    """A file descriptor of an ordinary file, from its beginning.

    Raises:
        OSError: it cannot be read, or is something else.
    """
    held = _HELD.get(str(path.absolute()))
    if isinstance(held, OSError):
        raise held
    if held is not None:
        os.lseek(held, 0, os.SEEK_SET)
        return os.dup(held)
    if not path.is_file():
        path.stat()  # says why, where it is not there at all
        kind = "a folder" if path.is_dir() else "not an ordinary file"
        raise OSError(0, f"it is {kind}")
    # Whoever may write the folder may put a pipe there meanwhile: it must not keep us waiting.
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)


def hold(paths: Iterable[Path]) -> None:
    """Open these now; what cannot be opened is told when it is to be read."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    for path in paths:
        try:
            _HELD[str(path.absolute())] = open_ordinary(path)
        except OSError as error:
            _HELD[str(path.absolute())] = error


def why_not_held(path: Path) -> OSError | None:
    """Why a file could not be opened when it was to be held."""
    held = _HELD.get(str(path.absolute()))
    return held if isinstance(held, OSError) else None


def let_go_of_readable() -> None:
    """Close what this process may still read by its name."""
    for name in [name for name in _HELD if os.access(name, os.R_OK)]:
        held = _HELD.pop(name)
        if isinstance(held, int):
            os.close(held)


def is_held(path: Path) -> bool:
    """Whether it is read from what was opened before."""
    return str(path.absolute()) in _HELD


@contextmanager
def by_name(path: Path) -> Iterator[Path]:
    """A name under which a library may open the file: its own, or that of a copy for a while.

    Errors that name the copy name the file instead.

    Raises:
        OSError: it cannot be copied.
    """
    if not is_held(path):
        yield path
        return
    with (
        tempfile.NamedTemporaryFile(prefix="edge-door-", suffix=path.suffix) as copy,
        os.fdopen(open_ordinary(path), "rb") as file,
    ):
        shutil.copyfileobj(file, copy)
        copy.flush()
        try:
            yield Path(copy.name)
        except EdgeDoorError as error:
            raise type(error)(str(error).replace(copy.name, str(path))) from error
