"""Models of other people: presets, checks, and everything that works with them afterwards."""

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from edge import faces, represent, verify
from edge.cli import app
from edge.config import Config
from edge.errors import CalibrationError, EdgeDoorError, ModelError, NoFaceError, UsageError
from edge.evaluate import adopt as module
from edge.evaluate.adopt import adopt
from edge.evaluate.presets import DetectorPreset, EmbedderPreset, presets
from edge.vision.faces.detector import Detector
from edge.vision.models.entries import DetectorEntry, EmbedderEntry
from edge.vision.models.known import read_known
from edge.vision.models.manifest import read_manifest, shipped_models
from edge.vision.models.model import Model
from edge.vision.still import still
from tests.support.pictures import by_name
from tests.support.tiny_detectors import DETECTORS, Centred
from tests.support.tiny_models import flattening, projecting

PRESETS = presets(shipped_models())
EMBEDDERS = [name for name, preset in PRESETS.items() if isinstance(preset, EmbedderPreset)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the models' folder that a test may change."""
    copy = tmp_path / "models"
    copy.mkdir()
    for file in shipped_models().iterdir():
        if file.suffix in {".tflite", ".toml"} and file.name != "added.toml":
            shutil.copy(file, copy)
    return copy


@pytest.fixture
def config(folder: Path, tmp_path: Path) -> Path:
    path = tmp_path / "edge-door.toml"
    path.write_text(f'[paths]\nmodels = "{folder}"\n')
    return path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def entry_of(path: Path, size: tuple[int, int], **spec: object) -> EmbedderEntry:
    width, height = size
    return EmbedderEntry.model_validate(
        {
            "name": "tiny",
            "role": "embedder",
            "path": path,
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "precision": "float32",
            "licence": "MIT",
            "source": "a test",
            "input": {"width": width, "height": height, **spec},
            "tensors": {
                "embedding": [1, width * height * (1 if spec.get("color") == "grey" else 3)]
            },
        }
    )


PIXELS = np.random.default_rng(5).integers(0, 256, (4, 6, 3), np.uint8)


def through(path: Path, **spec: object) -> NDArray[Any]:
    return Model(entry_of(path, (6, 4), **spec)).run(PIXELS)["embedding"]


def test_colour_order_and_normalisation_by_channel(tmp_path: Path) -> None:
    path = flattening(tmp_path / "nhwc.tflite", (1, 4, 6, 3))
    mean, std = [93.5, 104.0, 129.0], [1.0, 2.0, 4.0]
    given = through(path, color="bgr", mean=mean, std=std)
    np.testing.assert_allclose(
        given, ((PIXELS[:, :, ::-1] - np.array(mean)) / std).ravel(), rtol=1e-6
    )


def test_a_grey_network_sees_brightness(tmp_path: Path) -> None:
    path = flattening(tmp_path / "grey.tflite", (1, 4, 6, 1))
    seen = through(path, color="grey")
    weights = np.array([0.299, 0.587, 0.114])
    assert np.abs(seen.reshape(4, 6) - PIXELS @ weights).max() < 1


def test_planes_first(tmp_path: Path) -> None:
    path = flattening(tmp_path / "nchw.tflite", (1, 3, 4, 6))
    given = through(path, layout="nchw", mean=0.0, std=255.0)
    np.testing.assert_allclose(given, (PIXELS / 255.0).transpose(2, 0, 1).ravel(), rtol=1e-5)


def test_whitening_by_the_picture_itself(tmp_path: Path) -> None:
    path = flattening(tmp_path / "nhwc.tflite", (1, 4, 6, 3))
    given = through(path, whiten=True)
    assert given.mean() == pytest.approx(0.0, abs=1e-5)
    assert given.std() == pytest.approx(1.0, abs=1e-5)


def test_a_quantized_network_sees_every_grey_level(tmp_path: Path) -> None:
    """A mean of 127.5 puts every pixel half-way between two steps."""
    path = flattening(tmp_path / "uint8.tflite", (1, 4, 6, 3), uint8=(1 / 127.5, 100))
    given = through(path, mean=127.5, std=127.5)
    seen = PIXELS.ravel() > 27  # below, its numbers end
    steps = np.maximum(PIXELS.ravel().astype(float) - 127, -100)
    np.testing.assert_allclose(given, steps / 127.5, atol=1e-5)
    assert len(np.unique(given[seen])) == len(np.unique(PIXELS[PIXELS > 27]))


def test_a_network_of_pixels_gets_them_as_they_are(tmp_path: Path) -> None:
    path = flattening(tmp_path / "pixels.tflite", (1, 4, 6, 3), uint8=(1 / 255, 0))
    np.testing.assert_allclose(through(path, std=255.0) * 255, PIXELS.ravel(), rtol=1e-6)
    swapped = through(path, std=255.0, color="bgr") * 255
    np.testing.assert_allclose(swapped, PIXELS[:, :, ::-1].ravel(), rtol=1e-6)


def test_a_wrong_layout_is_refused(tmp_path: Path) -> None:
    path = flattening(tmp_path / "nchw.tflite", (1, 3, 4, 6))
    with pytest.raises(ModelError, match=r"wants input \[1, 3, 4, 6\], but the manifest says"):
        through(path)


@pytest.mark.parametrize("name", EMBEDDERS)
def test_every_embedder_preset_takes_its_network(
    name: str, folder: Path, pictures: list[NDArray[Any]]
) -> None:
    known = PRESETS[name]
    assert isinstance(known, EmbedderPreset)
    spec, numbers = known.input, known.dims[0]
    file = projecting(folder.parent / "net.tflite", spec.width, spec.height, numbers)
    adopted = adopt(file, name, by_name(pictures), folder, licence="a test's own")
    assert adopted.findings["same_person"] > adopted.findings["different_people"]
    again = read_manifest(folder).entry(EmbedderEntry, name)
    assert again.licence == "a test's own"
    assert again.preset == name
    vectors = represent(
        pictures[0][:, :, ::-1],
        model_name=name,
        config=Config.model_validate({"paths": {"models": folder}}),
    )
    assert vectors[0].embedding.shape == (numbers,)


@pytest.mark.parametrize(
    "name", [name for name, preset in PRESETS.items() if isinstance(preset, DetectorPreset)]
)
def test_every_detector_preset_takes_its_network(
    name: str, folder: Path, config: Path, pictures: list[NDArray[Any]]
) -> None:
    """The command itself, with a file of that network's outputs that finds the portraits' faces."""
    portraits = pictures[:2]
    side = PRESETS[name].input.width
    file = DETECTORS[name](folder.parent / "net.tflite", side, placed(portraits, side))
    shown = folder.parent / "portraits"
    shown.mkdir()
    for number, portrait in enumerate(portraits):
        cv2.imwrite(str(shown / f"{number}.png"), portrait[:, :, ::-1])
    arguments = ["models", "add", file, "--preset", name, "--images", shown, "--json"]
    done = run(*arguments, "--config", config)
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["least_overlap"] > 0.9
    added = read_manifest(folder).entry(DetectorEntry, name)
    found = Detector(Model(added)).detect(still(portraits[0]))
    assert len(found) == len(portraits)


def placed(portraits: list[NDArray[Any]], side: int) -> list[Centred]:
    """Where their faces are in a square input."""
    reader = faces.FaceReader(Config())
    places = []
    for portrait in portraits:
        height, width = portrait.shape[:2]
        pixel = side / max(height, width)
        box = reader.only(portrait, "the portrait").face.box
        left, top = (side - width * pixel) / 2, (side - height * pixel) / 2
        x, y = box.centre
        size = box.width * pixel, box.height * pixel
        places.append((left + x * pixel, top + y * pixel, *size))
    return places


def test_added_models_answer_to_the_names_people_know(
    folder: Path, config: Path, pictures: list[NDArray[Any]]
) -> None:
    file = projecting(folder.parent / "mine.tflite", 112, 112, 512)
    done = run("models", "add", file, "--preset", "arcface", "--config", config, "--json")
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert result["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    assert result["runtimes_agree"] > 0.99
    settings = Config.model_validate({"paths": {"models": folder}})
    picture = pictures[0][:, :, ::-1]
    found = represent(picture, model_name="ArcFace", config=settings)
    assert found[0].model == "arcface"
    with pytest.raises(CalibrationError, match="edge-door calibrate"):
        verify(picture, picture, model_name="ArcFace", config=settings)
    assert verify(picture, picture, model_name="ArcFace", threshold=0.3, config=settings).verified
    shown = run("models", "show", "arcface", "--config", config, "--json")
    assert json.loads(shown.stdout)["calibrated"] is False
    listed = json.loads(run("models", "list", "--config", config, "--json").stdout)
    assert {"name": "arcface", "default": False}.items() <= listed["models"][0].items()
    assert json.loads(run("models", "verify", "--config", config, "--json").stdout)["ok"]
    assert faces.FaceReader(settings).model.name != "arcface"


def test_whatever_a_file_or_a_licence_is_called_the_notes_can_be_read(
    folder: Path, pictures: list[NDArray[Any]]
) -> None:
    odd = b"net-\xff-\xf0\x9f\x98\x80.tflite"
    file = projecting(folder.parent / os.fsdecode(odd), 112, 112, 512)
    adopt(file, "arcface", by_name(pictures), folder, licence='"mine" \\ \x7f \n \U0001f600')
    added = read_manifest(folder).named("arcface")
    assert added.licence == '"mine" \\ \x7f \n \U0001f600'
    assert added.source == "added from net-?-\U0001f600.tflite"


def test_an_embedder_that_is_there_is_not_adapted_over(config: Path, folder: Path) -> None:
    """Else its calibration would be another's, and the door that uses it would not start."""
    for name, said in (
        ("mobilefacenets-int8", "there is a model called 'mobilefacenets-int8' already"),
        ("mobilefacenet.int8", "there is a model called 'mobilefacenet-int8' already"),
        ("../up", "is not a name for a model"),
    ):
        done = run("adapt", "--images", folder, "--name", name, "--config", config)
        assert isinstance(done.exception, UsageError)
        assert said in str(done.exception)


def test_a_changed_file_is_found_out(folder: Path, config: Path) -> None:
    victim = next(folder.glob("mobilefacenet*.tflite"))
    content = bytearray(victim.read_bytes())
    content[-1] ^= 1
    victim.write_bytes(content)
    done = run("models", "verify", "--config", config, "--json")
    assert done.exit_code == 1
    result = json.loads(done.stdout)
    assert result["ok"] is False
    assert [*result["wrong"]] == [victim.stem.replace("_", "-")]


def test_a_folder_without_pictures_is_a_mistake_of_usage(config: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    words = ("models", "add", __file__, "--preset", "arcface", "--images", tmp_path / "empty")
    done = run(*words, "--config", config)
    assert isinstance(done.exception, EdgeDoorError)
    assert done.exception.exit_code == 2
    assert "holds no image" in str(done.exception)


@pytest.mark.parametrize(
    ("preset", "name", "said"),
    [
        ("nothing", None, "there is no preset 'nothing'"),
        ("facenet512", None, "this preset's vectors have 512 numbers"),
        ("yunet", None, "lacks outputs of shape"),
        ("arcface", "Mine!", "is not a name for a model"),
        ("arcface", "mobilefacenet-int8", "a model called 'mobilefacenet-int8' already"),
        ("arcface", "mobilefacenet.int8", "a model called 'mobilefacenet-int8' already"),
        ("arcface", "mobilefacenets-int8", "a model called 'mobilefacenets-int8' already"),
    ],
)
def test_what_does_not_fit_is_refused_and_leaves_nothing(
    folder: Path, preset: str, name: str | None, said: str
) -> None:
    file = projecting(folder.parent / "net.tflite", 112, 112, 128)
    before = sorted(folder.iterdir())
    with pytest.raises(EdgeDoorError, match=said):
        adopt(file, preset, {}, folder, name=name)
    assert sorted(folder.iterdir()) == before


def test_a_network_that_sees_no_difference_is_refused(
    folder: Path, pictures: list[NDArray[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = projecting(folder.parent / "net.tflite", 112, 112, 128)
    monkeypatch.setattr(module, "_embed", lambda *_: np.full(128, 128**-0.5, np.float32))
    with pytest.raises(ModelError, match="finds two people"):
        adopt(file, "arcface", by_name(pictures), folder)


def test_pictures_of_one_person_are_no_trial(folder: Path, pictures: list[NDArray[Any]]) -> None:
    file = projecting(folder.parent / "net.tflite", 112, 112, 128)
    before = sorted(folder.iterdir())
    darker = np.round(pictures[0] * 0.8).astype(np.uint8)
    shown = {"a.png": pictures[0], "b.png": pictures[1], "c.png": darker}
    with pytest.raises(UsageError, match=r"a\.png and c\.png seem to show one person"):
        adopt(file, "arcface", shown, folder)
    both = np.hstack([pictures[0][:384, :384], pictures[0][:384, :384]])
    with pytest.raises(NoFaceError, match=r"b\.png shows 2 faces"):
        adopt(file, "arcface", {"a.png": pictures[1], "b.png": both}, folder)
    assert sorted(folder.iterdir()) == before


def test_a_file_that_is_there_is_not_added_under_another_preset(
    folder: Path, pictures: list[NDArray[Any]]
) -> None:
    shipped = folder / "mobilefacenet_float16.tflite"
    with pytest.raises(UsageError, match="it is the model 'mobilefacenet-float16'"):
        adopt(shipped, "arcface", by_name(pictures), folder)


def test_what_was_added_is_removed_and_nothing_else(
    folder: Path, config: Path, pictures: list[NDArray[Any]]
) -> None:
    calibration = folder / "calibration" / "mine.json"
    before = read_manifest(folder)
    for name, numbers in (("mine", 512), ("other", 128)):
        file = projecting(folder.parent / f"{name}.tflite", 112, 112, numbers)
        adopt(file, "arcface", by_name(pictures), folder, name=name)
    calibration.parent.mkdir()
    calibration.touch()
    done = run("models", "remove", "mine", "--config", config)
    assert done.exit_code == 0, done.output
    assert f"Its calibration stays: {calibration}" in done.stdout.replace("\n", "")
    assert not (folder / "mine.tflite").exists()
    left = read_manifest(folder).models
    assert left.keys() == {*before.models, "other"}
    assert read_known(folder).keys() >= {left["other"].sha256}
    assert json.loads(run("models", "verify", "--config", config, "--json").stdout)["ok"]
    config.write_text(config.read_text() + '[models]\nembedder = "other"\n')
    for name, said in (
        ("other", "is used by the configuration's"),
        ("mobilefacenet-int8", "came with edge-door"),
        ("othre", "no model called 'othre'. Did you mean 'other'?"),
    ):
        refused = run("models", "remove", name, "--config", config)
        assert isinstance(refused.exception, EdgeDoorError)
        assert said in str(refused.exception)
        assert refused.exception.exit_code == 2
    assert read_manifest(folder).models == left


def test_no_model_at_all(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "text.tflite"
    file.write_text("this is not a network, however long one looks at it")
    with pytest.raises(ModelError, match="is not a TFLite model"):
        adopt(file, "arcface", {}, folder)
    with pytest.raises(ModelError, match="cannot be read"):
        adopt(tmp_path / "nowhere.tflite", "arcface", {}, folder)
