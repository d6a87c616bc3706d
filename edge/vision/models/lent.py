"""A network's file, lent to a runtime until its weights are its own.

A runtime may pack weights anew for its kernels, and never look at the file again: kept, it would
lie in memory twice. It is lent from memory of this process, not from the disk: what was checked is
what is computed with.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_PAGE = os.sysconf("SC_PAGE_SIZE")
_ENTRY = np.dtype(np.uint64)
_PRESENT = 63
"""The bit of an entry in /proc/PID/pagemap (proc_pid_pagemap(5))."""


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

    def taken_back(self, compute: Callable[[], None]) -> bool:
        """Free its memory, unless `compute` reads any of it; whether it was freed.

        Should it be read later after all, that ends the process (SIGBUS): nothing is computed
        with other weights.
        """
        if not self._in_use():  # it was read just now: here one cannot tell
            return False
        self._empty()  # its pages leave the mapping, and come back as they are read
        os.pwrite(self._number, self._content, 0)
        compute()
        if self._in_use():
            return False
        self._empty()
        return True

    def _empty(self) -> None:
        os.ftruncate(self._number, 0)

    def _in_use(self) -> bool:
        """Whether pages of it stand in this process's page table."""
        inode = os.fstat(self._number).st_ino
        mappings = Path("/proc/self/maps").read_text(encoding="utf-8", errors="replace")
        found = re.search(rf"^(\w+)-(\w+) \S+ \S+ \S+ {inode} ", mappings, re.MULTILINE)
        if found is None:
            return False
        first, end = (int(address, 16) // _PAGE for address in found.groups())
        try:
            with Path("/proc/self/pagemap").open("rb", buffering=0) as table:
                table.seek(first * _ENTRY.itemsize)
                entries = np.frombuffer(table.read((end - first) * _ENTRY.itemsize), _ENTRY)
        except PermissionError:  # of root that has become another user
            return False
        return bool((entries >> _PRESENT).any())
