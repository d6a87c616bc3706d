"""Reading what decides who is let in: what is checked is what is used.

Every such file is read here. Where the owner's seal is in force (`edge.sealing`), the very bytes
that are handed over are compared, so that no file can change between a look and its use.
"""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING

from edge.errors import SealError
from edge.held import open_ordinary

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

MAX_BYTES = 256 * 1024 * 1024
"""No file that is believed is larger: a device file or a pipe in its place ends there."""


class _Believed:
    """What this process may believe; anything before a seal is in force."""

    def __init__(self) -> None:
        self.files: Mapping[str, str] | None = None
        self.shipped: Mapping[str, str] = {}
        self.read: dict[str, str] = {}


_BELIEVED = _Believed()


def read_believed(path: Path) -> bytes:
    """The bytes of a file that decides who is let in.

    Raises:
        SealError: a seal is in force, and these are not the bytes that it vouches for; or none
            is, and these are not the ones that were shipped.
        OSError: it cannot be read, or is no ordinary file.
    """
    content = read_ordinary(path)
    name, digest = str(path.absolute()), hashlib.sha256(content).hexdigest()
    if _BELIEVED.files is not None and _BELIEVED.files.get(name) != digest:
        raise SealError(
            f"{path} is not what was sealed: it was changed or added. Put the original back, or "
            "look at the change and run `edge-door seal` again."
        )
    if _BELIEVED.files is None and _BELIEVED.shipped.get(name, digest) != digest:
        raise SealError(
            f"{path} is not what was shipped: it was changed. Install edge-door again; models and "
            "calibrations of your own belong in a copy of their folder, which [paths] models names."
        )
    _BELIEVED.read[name] = digest
    return content


def sealed() -> bool:
    """Whether an owner's seal is in force."""
    return _BELIEVED.files is not None


def believe_shipped(files: Mapping[str, str]) -> None:
    """Where no owner's seal is in force, believe these files only so, SHA-256 by absolute path."""
    _BELIEVED.shipped = files


def enforce(files: Mapping[str, str] | None) -> None:
    """Believe from now on only these, SHA-256 by absolute path; None: anything.

    Raises:
        SealError: a file that was read before is not among it.
    """
    _BELIEVED.files = files
    if files is None:
        _BELIEVED.read.clear()
        return
    for name, digest in _BELIEVED.read.items():
        if files.get(name) != digest:
            raise SealError(f"{name} is not what was sealed: it was changed or added after that.")


def read_written(path: Path) -> str:
    """Text that somebody wrote: UTF-8, with the mark that Windows' programs put first or without.

    Raises:
        OSError: as `read_ordinary`.
        UnicodeDecodeError: it is in another encoding.
    """
    return read_ordinary(path).decode("utf-8-sig")


def read_ordinary(path: Path, most: int = MAX_BYTES) -> bytes:
    """The bytes of an ordinary file of bearable size.

    Raises:
        OSError: it cannot be read, is something else, or is too large.
    """
    handle = open_ordinary(path)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(0, "it is not an ordinary file")
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(0, f"it is larger than {most} bytes")
    return content
