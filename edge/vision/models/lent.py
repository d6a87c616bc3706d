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
_LIBC.mprotect.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
_LIBC.fallocate.argtypes = ctypes.c_int, ctypes.c_int, ctypes.c_long, ctypes.c_long
_PROT_NONE = 0
_PUNCH_HOLE = 0x01 | 0x02  # FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE: linux/falloc.h
_PAGE = os.sysconf("SC_PAGE_SIZE")
_ENTRY = np.dtype(np.uint64)
_PRESENT = 63  # the bit in an entry of /proc/PID/pagemap: proc_pid_pagemap(5)


@contextmanager
def lent(content: bytes) -> Iterator[Lent]:
    """The file, for as long as it takes to make a network of it."""
    with os.fdopen(os.memfd_create("network"), "wb", buffering=0) as file:
        file.write(content)
        yield Lent(file.fileno(), content)


class Lent:
    """A file in memory that nobody else has."""

    def __init__(self, number: int, content: bytes) -> None:
        self._number = number
        self._content = content
        self.name = f"/proc/self/fd/{number}"
        """Under which this process opens it."""

    def take_back(self, compute: Callable[[], object]) -> None:
        """Free what `compute` does not read of it.

        Should that be read later after all, it ends the process (SIGSEGV): nothing is computed with
        other weights.
        """
        if not self._mapped()[1].any():  # it was read just now: here one cannot tell
            return
        os.ftruncate(self._number, 0)  # its pages leave the mapping, and come back as they are read
        os.pwrite(self._number, self._content, 0)
        compute()
        begin, read = self._mapped()
        edges = np.flatnonzero(np.diff(read, prepend=True, append=True))
        for first, end in (edges.reshape(-1, 2) * _PAGE).tolist():
            if not _LIBC.mprotect(begin + first, end - first, _PROT_NONE):
                _LIBC.fallocate(self._number, _PUNCH_HOLE, first, end - first)

    def _mapped(self) -> tuple[int, NDArray[np.bool_]]:
        """Where this process has mapped it, and of which pages it has a page table's entry."""
        inode = os.fstat(self._number).st_ino
        mappings = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
        found = re.search(rf"^(\w+)-(\w+) \S+ \S+ \S+ {inode} ", mappings, re.MULTILINE)
        if found is None:
            return 0, np.zeros(0, bool)
        begin, end = (int(address, 16) for address in found.groups())
        place, size = (number // _PAGE * _ENTRY.itemsize for number in (begin, end - begin))
        try:
            with Path("/proc/self/pagemap").open("rb", buffering=0) as table:
                table.seek(place)
                entries = np.frombuffer(table.read(size), _ENTRY)
        except PermissionError:  # of root that has become another user
            return 0, np.zeros(0, bool)
        return begin, entries >> _PRESENT == 1
