"""Threads are chosen by what they bring, kept for this board, and used when models are loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from edge.config import Config
from edge.evaluate.tune import Tuned, tune
from edge.vision.models import threads
from edge.vision.models.entries import DetectorEntry
from edge.vision.models.loader import Loader
from edge.vision.models.manifest import read_manifest
from edge.vision.models.runtimes import choose

if TYPE_CHECKING:
    from pathlib import Path

    from edge.vision.models.runtime import Network


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config.model_validate({"paths": {"state": tmp_path}})


@pytest.mark.parametrize(
    ("ms", "chosen"),
    [((4.0,), 1), ((4.0, 3.9, 3.8, 3.7), 1), ((4.0, 2.1, 1.9, 1.2), 4), ((4.0, 5.0, 2.0, 2.0), 3)],
)
def test_one_thread_more_must_bring_something(ms: tuple[float, ...], chosen: int) -> None:
    assert Tuned("net", "sha", ms).threads == chosen


def test_every_network_of_the_configuration_is_timed(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.evaluate.tune.RUNS", 1)
    monkeypatch.setattr("edge.evaluate.tune.WARM_UP", 0)
    found = {one.model for one in tune(config)}
    assert {"blazeface-short-float16", "mobilefacenet-int8", "mobilefacenet-256-int8"} <= found


def test_what_is_kept_is_used_on_a_board_with_as_many_cores(
    config: Config, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert threads.tuned(config) == {}
    threads.keep(config, {"abc": 3})
    assert threads.tuned(config) == {"abc": 3}
    monkeypatch.setattr(threads, "cores", lambda: 64)
    assert threads.tuned(config) == {}


def test_a_damaged_file_is_told_and_ignored(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    for damaged in ("{", '{"threads": {"abc": 2}}', "[]", '{"cores": 2, "threads": {"a": "b"}}'):
        caplog.clear()
        threads.tuned_file(config).write_text(damaged)
        assert threads.tuned(config) == {}
        assert "edge-door bench --tune" in caplog.text


def test_no_network_gets_fewer_threads_than_one(config: Config) -> None:
    threads.keep(config, {"abc": 0})
    assert threads.tuned(config) == {"abc": 1}


class Noting:
    """A runtime that notes on how many threads it loads."""

    def __init__(self) -> None:
        self._runtime: Any = choose()
        self.name, self.package = self._runtime.name, self._runtime.package
        self.missing = self._runtime.missing
        self.threads: list[int] = []

    def load(self, content: bytes, threads: int) -> Network:
        self.threads.append(threads)
        network: Network = self._runtime.load(content, threads)
        return network


def test_a_network_is_loaded_on_its_own_number_of_threads_and_never_on_more_than_cores() -> None:
    entry, noting = read_manifest().entry(DetectorEntry), Noting()
    Loader(None, noting, threads=1)(entry)
    Loader(None, noting, threads=1, tuned={entry.sha256: 2})(entry)
    Loader(None, noting, threads=64)(entry)
    assert noting.threads == [1, min(2, threads.cores()), threads.cores()]
