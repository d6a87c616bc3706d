"""A network's file takes no memory once the network reads none of it."""

from __future__ import annotations

import mmap
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.vision.models.lent import Lent, lent
from edge.vision.models.manifest import read_manifest
from edge.vision.models.model import Model
from edge.vision.models.runtimes import choose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONTENT = bytes(range(256)) * 256


@contextmanager
def mapped(file: Lent) -> Iterator[mmap.mmap]:
    """As a runtime maps it, which has read it all."""
    with Path(file.name).open("rb") as opened:
        mapping = mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ)
    with mapping:
        assert mapping[:] == CONTENT
        yield mapping


def test_what_is_not_read_any_more_is_freed() -> None:
    with lent(CONTENT) as file, mapped(file):
        assert file.taken_back(lambda: None)
        assert Path(file.name).stat().st_blocks == 0


def test_what_is_still_read_stays_as_it_was() -> None:
    read: list[int] = []
    with lent(CONTENT) as file, mapped(file) as mapping:
        assert not file.taken_back(lambda: read.append(mapping[len(CONTENT) // 2 + 7]))
        assert mapping[:] == CONTENT
    assert read == [7]


def test_where_one_cannot_tell_it_stays() -> None:
    with lent(CONTENT) as file:
        assert not file.taken_back(lambda: None)
        assert Path(file.name).read_bytes() == CONTENT


def test_the_largest_network_leaves_its_file(monkeypatch: pytest.MonkeyPatch) -> None:
    freed: list[bool] = []
    taken_back = Lent.taken_back

    def noted(file: Lent, compute: Callable[[], None]) -> bool:
        freed.append(taken_back(file, compute))
        return freed[-1]

    monkeypatch.setattr(Lent, "taken_back", noted)
    Model(read_manifest().models["mobilefacenet-256-int8"], choose("litert"))
    assert freed == [True]
