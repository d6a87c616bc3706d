"""A network's file, lent to a runtime until its weights are its own.

A runtime may pack weights anew for its kernels, and read little of the file again: kept, it would
lie in memory twice. It is lent from memory of this process, not from the disk: what was checked is
what is computed with.
"""

from __future__ import annotations

import ctypes
import os
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

_LIBC = ctypes.CDLL(None)
_LIBC.madvise.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
_LIBC.mlock2.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
_LIBC.munlock.argtypes = ctypes.c_void_p, ctypes.c_size_t
_LIBC.mprotect.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
_LIBC.fallocate.argtypes = ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long
_NAME = "network"
_MADV_DONTNEED = 4
_MLOCK_ONFAULT = 1
_PROT_NONE = 0
_PUNCH_HOLE = 0x01 | 0x02  # FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE: linux/falloc.h
_PAGE = os.sysconf("SC_PAGE_SIZE")
_ENTRY = np.dtype(np.uint64)
_OPENED = Path("/proc/self/fd")
_TABLE = Path("/proc/self/pagemap")  # proc_pid_pagemap(5)
# Of an entry: in memory, or swapped out, which is said too of a page that the kernel just moves, as
# it does to make room for a camera's buffers.
_HAS = 1 << 63 | 1 << 62


@contextmanager
def lent(content: bytes) -> Iterator[Lent | None]:
    """The file, for as long as it takes to make a network of it; None where nobody could open it.

    That is so without /proc.
    """
    with os.fdopen(os.memfd_create(_NAME), "wb") as file:
        if not _OPENED.is_dir():
            yield None
            return
        file.write(content)
        file.flush()
        yield Lent(file.fileno())


class Lent:
    """A file in memory that nobody else has."""

    def __init__(self, number: int) -> None:
        self._number = number
        self.name = str(_OPENED / str(number))
        """Under which this process opens it."""

    def take_back(self, compute: Callable[[], object]) -> None:
        """Free what `compute` does not read of it; all of it stays where one cannot tell.

        Should that be read later after all, it ends the process (SIGSEGV): nothing is computed with
        other weights.
        """
        try:
            pages = self._mapping()
            read = _read_by(compute, pages)
        except OSError:  # root that has become another user may not know, nor some containers
            return
        edges = np.flatnonzero(np.diff(read, prepend=True, append=True))
        for first, end in (edges.reshape(-1, 2) * _PAGE).tolist():
            if not _LIBC.mprotect(pages.start * _PAGE + first, end - first, _PROT_NONE):
                _LIBC.fallocate(self._number, _PUNCH_HOLE, first, end - first)

    def _mapping(self) -> range:
        """The numbers of the pages where this process has mapped it; none where it has not."""
        inode = os.fstat(self._number).st_ino
        mappings = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
        # By its name too: on another disk a library may have the same number.
        place = rf"^(\w+)-(\w+) \S+ \S+ \S+ {inode} +/memfd:{_NAME} "
        found = re.search(place, mappings, re.MULTILINE)
        return range(*(int(at, 16) // _PAGE for at in found.groups())) if found else range(0)


def _read_by(compute: Callable[[], object], pages: range) -> NDArray[np.bool_]:
    """Which of these `compute` reads.

    Raises:
        OSError: the kernel does not say, or does not promise to leave what was read in its table.
    """
    if not _in_table(pages).any():  # they were read just now: here it does not say
        raise OSError
    place = pages.start * _PAGE, len(pages) * _PAGE
    # They leave the table, and come back as they are read. To swap, one would leave it once more.
    if _LIBC.madvise(*place, _MADV_DONTNEED) or _LIBC.mlock2(*place, _MLOCK_ONFAULT):
        raise OSError
    try:
        compute()
        return _in_table(pages)
    finally:
        _LIBC.munlock(*place)


def _in_table(pages: range) -> NDArray[np.bool_]:
    """Which of these this process has in its page table."""
    with _TABLE.open("rb", buffering=0) as table:
        table.seek(pages.start * _ENTRY.itemsize)
        entries = np.frombuffer(table.read(len(pages) * _ENTRY.itemsize), _ENTRY)
    return entries & _HAS != 0
