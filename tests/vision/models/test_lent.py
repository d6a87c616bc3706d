"""A network's file takes no memory once the network reads none of it."""

from __future__ import annotations

import mmap
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.vision.models.lent import Lent, lent
from edge.vision.models.manifest import read_manifest
from edge.vision.models.model import Model
from edge.vision.models.runtimes import choose
from tests.conftest import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONTENT = bytes(range(256)) * 4096


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
