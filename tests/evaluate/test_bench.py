"""The speed measurement, on the two portraits that come with Python packages."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from edge.cli import app
from edge.cli.measure import compare
from edge.config import Config
from edge.errors import UsageError
from edge.evaluate.bench import Bench, Stopwatch, bench, outside
from edge.vision import portraits as portraits_module
from edge.vision.models.manifest import read_manifest
from edge.vision.portraits import portraits

needs_portraits = pytest.mark.skipif(
    not any(portraits_module._inside(*portrait) for portrait in portraits_module._PORTRAITS),
    reason="needs the portraits of the extra `demo`: pip install -e '.[demo]'",
)


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bench, str]:
    """What the command measured on one portrait, and what it said of it."""
    folder, kept = tmp_path_factory.mktemp("portraits"), []

    def keeping(*arguments: Any, **options: Any) -> Bench:
        kept.append(bench(*arguments, **options))
        return kept[0]

    cv2.imwrite(str(folder / "a.png"), portraits()[0][:, :, ::-1])
    words = ["bench", "--json", "--threads", "1", "--steps", "12", "--images", str(folder)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compare, "measure_speed", keeping)
        done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    return kept[0], done.stdout


@pytest.fixture(scope="module")
def measured(told: tuple[Bench, str]) -> Bench:
    return told[0]


@needs_portraits
def test_every_stage_is_measured_beside_its_float_twin(measured: Bench) -> None:
    result = json.loads(json.dumps(measured.as_dict()))
    assert {"detect", "landmarks", "align", "quality", "embed", "eyelids", "liveness"} <= set(
        result["stages"]
    )
    for timing in [*result["stages"].values(), result["step"]]:
        assert 0 < timing["p50_ms"] <= timing["p95_ms"] <= timing["p99_ms"]
        assert timing["float_p50_ms"] > 0
    stages = sum(timing["p50_ms"] for timing in result["stages"].values())
    assert stages < 1.5 * result["step"]["p50_ms"]
    assert result["load_ms"] > 0
    assert 20 < result["rss_mb"] < 2000


@needs_portraits
def test_the_int8_embedders_take_turns(measured: Bench) -> None:
    assert {"mobilefacenet-int8", "dlib-resnet-int8"} <= set(measured.embedders)
    both = measured.embedders["mobilefacenet-dlib-int8"].p50
    assert both > measured.embedders["dlib-resnet-int8"].p50


@needs_portraits
def test_kernels_are_a_part_of_the_step(measured: Bench) -> None:
    assert 0 < measured.overhead_share < 1


def test_steps_with_and_without_the_passive_checks_count_alike() -> None:
    quick, slow = (10.0, 9.0), (20.0, 14.0)
    steps, kernels = zip(*[quick, slow] * 8, (99.0, 1.0), strict=True)
    assert outside(Stopwatch(steps=list(steps), kernels=list(kernels))) == pytest.approx(7 / 30)


@needs_portraits
def test_the_twin_of_an_int8_model_is_in_floating_point(measured: Bench) -> None:
    manifest = read_manifest()
    known = manifest.models.keys() | manifest.ensembles.keys()
    assert measured.floats.models["embedder"] == "mobilefacenets-float16"
    for name in measured.floats.models.values():
        assert not (name.endswith("int8") and name.replace("int8", "float16") in known)


@needs_portraits
def test_the_command_speaks_json(told: tuple[Bench, str]) -> None:
    result = json.loads(told[1])
    assert {"stages", "step", "overhead_share", "rss_mb", "load_ms"} <= set(result)
    assert result["threads"] == 1


def test_a_picture_without_a_face_is_refused_with_a_sentence(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "grey.png"), np.full((120, 120, 3), 128, np.uint8))
    with pytest.raises(UsageError, match="cannot be used for the measurement: 0 faces"):
        bench(Config(), tmp_path, steps=10)


def test_without_portraits_it_says_where_to_get_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(portraits_module, "_PORTRAITS", (("no_such_package", "face.png"),))
    with pytest.raises(UsageError, match=r"\[demo\]"):
        portraits()
