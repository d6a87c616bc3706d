"""A runtime that computes something else is noticed before a face is judged by it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.config import Config, parse
from edge.errors import ModelError
from edge.vision import stages as stages_module
from edge.vision.models import known
from edge.vision.models.entries import EmbedderEntry, LandmarksEntry, RecaptureEntry
from edge.vision.models.known import KNOWN, WrongAnswerError, pictures, read_known
from edge.vision.models.loader import Loader
from edge.vision.models.manifest import read_manifest, shipped_models
from edge.vision.models.runtime import Network, Runtime, Tensor
from edge.vision.models.runtimes import available, choose
from edge.vision.stages import Stages


class Lying:
    """A runtime that changes what the networks of one output say."""

    name = "lying"
    package = "none"

    def __init__(self, how: str, true: Runtime, output_size: int) -> None:
        self._how, self._true, self._size = how, true, output_size

    def missing(self) -> str | None:
        return None

    def load(self, content: bytes, threads: int) -> Network:
        network: Any = self._true.load(content, threads)
        if network.outputs[0].shape[-1] == self._size:
            first: list[NDArray[Any]] = []
            read = network.read

            def lie(output: Tensor) -> NDArray[Any]:
                value = read(output)
                first.append(value)
                if self._how == "noise":
                    shuffled = np.random.default_rng(1).permutation(value.ravel())
                    return np.reshape(shuffled, value.shape)
                factor = {"not a number": np.nan, "zeros": 0, "another scale": 3}
                return first[0] if self._how == LIES[0] else value * factor[self._how]

            network.read = lie
        return network


LIES = ["one answer for every face", "noise", "not a number", "zeros", "another scale"]


@pytest.mark.parametrize("how", LIES)
def test_a_runtime_that_lies_about_an_embedder_is_named(how: str) -> None:
    entry = read_manifest().entry(EmbedderEntry, "mobilefacenet-int8")
    size = next(iter(entry.tensors.values()))[-1]
    load = Loader(None, Lying(how, choose(), size))
    with pytest.raises(WrongAnswerError, match=r"mobilefacenet-int8 .* in the runtime lying"):
        load(entry)


def test_without_recorded_answers_two_faces_must_still_differ(tmp_path: Path) -> None:
    entry = read_manifest().entry(EmbedderEntry, "mobilefacenet-int8")
    size = next(iter(entry.tensors.values()))[-1]
    Loader(tmp_path, choose())(entry)
    with pytest.raises(WrongAnswerError, match="one answer for two different faces"):
        Loader(tmp_path, Lying(LIES[0], choose(), size))(entry)


def test_every_other_network_is_asked_too() -> None:
    entry = read_manifest().entry(LandmarksEntry)
    mesh = next(size for size in entry.tensors.values() if np.prod(size) > 1)
    with pytest.raises(WrongAnswerError, match="face-mesh"):
        Loader(None, Lying("zeros", choose(), mesh[-1]))(entry)


def test_a_check_that_speaks_against_nobody_is_noticed() -> None:
    """Though it finds the two faces equally real, or nearly."""
    entry = read_manifest().entry(RecaptureEntry)
    with pytest.raises(WrongAnswerError, match="recapture"):
        Loader(None, Lying("zeros", choose(), 1))(entry)


def test_auto_goes_on_to_the_next_runtime_and_a_named_one_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    true = choose()
    lying = Lying(LIES[0], true, 128)
    monkeypatch.setattr(stages_module, "candidates", lambda _name: [lying, true])
    config = Config()
    assert Stages.load(config).self_similarity > 0
    monkeypatch.setattr(stages_module, "candidates", lambda _name: [lying])
    with pytest.raises(WrongAnswerError, match="lying"):
        Stages.load(config)


def test_all_runtimes_here_give_the_answers_of_every_shipped_file() -> None:
    for runtime in available():
        load = Loader(None, runtime)
        for entry in read_manifest().models.values():
            load(entry)


def test_the_answers_are_those_of_the_files_that_are_shipped() -> None:
    kept = read_known(shipped_models())
    names = {name for name, entry in read_manifest().models.items() if entry.sha256 not in kept}
    assert not names, "run: python -m models.build.known"


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', '{"a": {"answers": {}}}', "\xff"])
def test_damaged_answers_are_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / KNOWN).write_text(text, encoding="latin-1")
    with pytest.raises(ModelError, match=r"known answers .* cannot be read"):
        read_known(tmp_path)


def test_the_pictures_are_two_faces_and_stay_what_they_are() -> None:
    one, other = pictures(112, 112)
    assert one.shape == other.shape == (112, 112, 3)
    sums = [int(picture.astype(int).sum()) for picture in (one, other)]
    assert sums == [4_668_035, 5_590_346]


def test_a_file_that_was_added_is_remembered(tmp_path: Path) -> None:
    entry = read_manifest().entry(EmbedderEntry, "mobilefacenet-int8")
    known.remember(entry, tmp_path)
    text = json.loads((tmp_path / known.ADDED_KNOWN).read_text())
    assert list(text) == [entry.sha256]
    assert entry.sha256 in read_known(tmp_path)


def test_the_model_section_still_names_the_runtime() -> None:
    config = parse({"models": {"runtime": "litert"}}, "test")
    assert Stages.load(config).self_similarity > 0
