"""Guesses about people: by networks that somebody added, for who asks by name."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge import analyze
from edge.config import Config
from edge.errors import ModelError, UsageError
from edge.evaluate.adopt import adopt
from edge.evaluate.presets import AttributePreset, presets
from edge.vision.models.manifest import shipped_models
from edge.vision.models.model import Model
from edge.vision.stages import Stages
from tests.support.pictures import by_name
from tests.support.tiny_models import answering

PRESETS = {
    name: preset
    for name, preset in presets(shipped_models()).items()
    if isinstance(preset, AttributePreset)
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the models' folder that a test may change."""
    ignored = shutil.ignore_patterns("*.py", "added*", "build", "cards", "__pycache__")
    return Path(shutil.copytree(shipped_models(), tmp_path / "models", ignore=ignored))


def network(path: Path, name: str, shares: NDArray[Any]) -> Path:
    """A file with that network's inputs and outputs, which always answers the same."""
    spec = PRESETS[name].input
    channels = 1 if spec.color == "grey" else 3
    return answering(path, (1, spec.height, spec.width, channels), [shares[np.newaxis]])


def shares_of(name: str, likely: int) -> NDArray[Any]:
    count = PRESETS[name].output.numbers
    shares = np.full(count, 0.2 / (count - 1), np.float32)
    shares[likely] = 0.8
    return shares


def test_all_four_are_known() -> None:
    assert {name: (p.input.width, p.output.numbers) for name, p in PRESETS.items()} == {
        "age": (224, 101),
        "gender": (224, 2),
        "race": (224, 6),
        "emotion": (48, 7),
    }
    for preset in PRESETS.values():
        assert len(preset.output.labels) in (0, preset.output.numbers)


@pytest.mark.parametrize("name", PRESETS)
def test_an_added_network_answers_who_asks_for_it(
    name: str, folder: Path, pictures: list[NDArray[Any]]
) -> None:
    config = Config.model_validate({"paths": {"models": folder}})
    picture = pictures[0][:, :, ::-1]
    with pytest.raises(ModelError, match=f"models add FILE.tflite --preset {name}"):
        analyze(picture, actions=(name,), config=config)
    adopt(
        network(folder.parent / "net.tflite", name, shares_of(name, 1)),
        name,
        by_name(pictures),
        folder,
    )
    (plain,) = analyze(picture, config=config)
    assert plain.guesses == {}
    assert name not in plain
    for actions in (name, [name]):
        (said,) = analyze(picture, actions=actions, config=config)
        if name == "age":
            assert said["age"] == round(0.8 + 0.002 * (sum(range(101)) - 1))
        else:
            likely = PRESETS[name].output.labels[1]
            assert said[f"dominant_{name}"] == likely
            assert said[name][likely] == pytest.approx(80)
        assert {name, "yaw"} <= set(said)


def test_what_gives_no_shares_is_refused(folder: Path, pictures: list[NDArray[Any]]) -> None:
    file = network(folder.parent / "net.tflite", "gender", np.array([3.0, -1.0], np.float32))
    with pytest.raises(ModelError, match="no shares of one"):
        adopt(file, "gender", by_name(pictures), folder)
    colour = answering(folder.parent / "rgb.tflite", (1, 48, 48, 3), [shares_of("emotion", 0)])
    with pytest.raises(ModelError, match="is not one grey picture"):
        adopt(colour, "emotion", by_name(pictures), folder)


def test_an_unknown_question_names_the_known_ones(pictures: list[NDArray[Any]]) -> None:
    with pytest.raises(UsageError, match="actions are age, gender, emotion, race"):
        analyze(pictures[0], actions=("wealth",))


def test_a_door_loads_none(
    folder: Path, pictures: list[NDArray[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    adopt(
        network(folder.parent / "net.tflite", "age", shares_of("age", 30)),
        "age",
        by_name(pictures),
        folder,
    )
    loaded: list[str] = []
    begin = Model.__init__

    def watched(self: Any, entry: Any, *rest: Any) -> None:
        loaded.append(entry.role)
        begin(self, entry, *rest)

    monkeypatch.setattr(Model, "__init__", watched)
    Stages.load(Config.model_validate({"paths": {"models": folder}}))
    assert loaded
    assert "attribute" not in loaded
