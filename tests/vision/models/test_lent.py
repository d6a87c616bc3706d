"""A network's file takes no memory once the network reads none of it."""

from __future__ import annotations

import mmap
import signal
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.vision.models import lent as module
from edge.vision.models.lent import Lent
from edge.vision.models.manifest import read_manifest
from edge.vision.models.model import Model
from edge.vision.models.runtimes import choose
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONTENT = bytes(range(256)) * 4096


@contextmanager
def lent(content: bytes) -> Iterator[Lent]:
    with module.lent(content) as file:
        assert file is not None
        yield file


@contextmanager
def mapped(file: Lent) -> Iterator[mmap.mmap]:
    """As a runtime maps it, which has read it all."""
    with Path(file.name).open("rb") as opened:
        mapping = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
    with mapping:
        assert mapping[:] == CONTENT
        yield mapping


def held(file: Lent) -> int:
    """Bytes of memory."""
    return Path(file.name).stat().st_blocks * 512


def test_what_is_not_read_any_more_is_freed() -> None:
    with lent(CONTENT) as file, mapped(file):
        file.take_back(lambda: None)
        assert held(file) == 0


def test_what_is_still_read_stays_as_it_was() -> None:
    place = len(CONTENT) // 2 + 7
    with lent(CONTENT) as file, mapped(file) as mapping:
        file.take_back(lambda: mapping[place])
        assert 0 < held(file) < len(CONTENT)
        assert mapping[place] == CONTENT[place]


def test_what_was_freed_is_no_zeros() -> None:
    script = (
        "from tests.vision.models.test_lent import CONTENT, lent, mapped\n"
        "with lent(CONTENT) as file, mapped(file) as mapping:\n"
        "    file.take_back(lambda: None)\n"
        "    print(mapping[0])"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)
    assert done.returncode == -signal.SIGSEGV


def test_where_one_cannot_tell_it_stays() -> None:
    with lent(CONTENT) as file:
        file.take_back(lambda: None)
        assert Path(file.name).read_bytes() == CONTENT


def test_a_library_with_the_same_number_on_another_disk_is_left_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with lent(CONTENT) as file, mapped(file):
        number, real = Path(file.name).stat().st_ino, Path("/proc/self/maps").read_text()
        library = f"10000-20000 r-xp 00000000 fe:01 {number}    /usr/lib/libc.so.6\n"
        monkeypatch.setattr(Path, "read_text", lambda *_, **__: library + real)
        file.take_back(lambda: None)
        assert held(file) == 0


def test_a_page_that_goes_to_swap_just_then_is_kept() -> None:
    place = len(CONTENT) // 2 + 7
    with lent(CONTENT) as file, mapped(file) as mapping:

        def compute() -> None:
            assert mapping[place] == CONTENT[place]
            with suppress(OSError):  # it leaves the table, as to swap, or is refused
                mapping.madvise(mmap.MADV_DONTNEED)

        file.take_back(compute)
        assert held(file) > 0


def test_a_page_that_may_go_to_swap_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MLOCK_ONFAULT", -1)  # refused, as beyond LimitMEMLOCK
    with lent(CONTENT) as file, mapped(file):
        file.take_back(lambda: None)
        assert held(file) == len(CONTENT)


def test_no_page_stays_locked() -> None:
    status = Path("/proc/self/status")
    locked = next(line for line in status.read_text().splitlines() if line.startswith("VmLck"))
    with lent(CONTENT) as file, mapped(file) as mapping:
        file.take_back(lambda: mapping[0])
        assert locked in status.read_text()


def test_without_a_second_look_it_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where no more files may be opened."""
    with lent(CONTENT) as file, mapped(file):
        file.take_back(lambda: monkeypatch.setattr(module, "_TABLE", Path("/no/such/pagemap")))
        assert Path(file.name).read_bytes() == CONTENT


def test_without_proc_a_network_has_its_file_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_OPENED", Path("/no/such/proc"))
    Model(read_manifest().models["mobilefacenet-int8"], choose("litert"))


def test_without_a_table_of_pages_it_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TABLE", Path("/no/such/pagemap"))
    with lent(CONTENT) as file, mapped(file):
        file.take_back(lambda: None)
        assert Path(file.name).read_bytes() == CONTENT


def test_a_page_that_the_kernel_moves_just_then_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """proc_pid_pagemap(5): bit 62, and not 63."""
    moved = np.full(len(CONTENT) // mmap.PAGESIZE, 1 << 62, np.uint64)

    def compute() -> None:
        monkeypatch.setattr(np, "frombuffer", lambda *_: moved)

    with lent(CONTENT) as file, mapped(file):
        file.take_back(compute)
        assert held(file) == len(CONTENT)


def test_the_largest_network_leaves_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[int] = []
    take_back = Lent.take_back

    def noted(file: Lent, compute: Callable[[], object]) -> None:
        take_back(file, compute)
        left.append(held(file))

    monkeypatch.setattr(Lent, "take_back", noted)
    entry = read_manifest().models["mobilefacenet-256-int8"]
    Model(entry, choose("litert"))
    assert len(left) == 1
    assert left[0] < entry.path.stat().st_size / 10
