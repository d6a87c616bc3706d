"""Three lines of Python: what people who come from deepface expect."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from edge import extract_faces, faces, find, represent, verify
from edge.cli import app
from edge.config import Config
from edge.errors import CalibrationError, CameraError, ModelError, NoFaceError, UsageError
from edge.records import Template
from edge.vault.vault import Vault
from edge.vision.faces.detector import Detector
from edge.vision.models.entries import DetectorEntry
from edge.vision.models.manifest import read_manifest
from edge.vision.models.model import Model
from edge.vision.still import faces_in, still


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory, pictures: list[NDArray[Any]]) -> Path:
    """A folder: two people, the second picture of each tilted and darker; and an empty wall."""
    folder = tmp_path_factory.mktemp("album")
    for name, picture in zip(("eileen", "grace"), pictures, strict=True):
        (folder / name).mkdir()
        height, width = picture.shape[:2]
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), 5, 1.0)
        tilted = cv2.warpAffine(picture, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)
        cv2.imwrite(str(folder / name / "1.png"), picture[:, :, ::-1])
        cv2.imwrite(str(folder / name / "2.png"), (tilted[:, :, ::-1] * 0.8).astype(np.uint8))
    heads = [head_of(folder / name / "1.png") for name in ("eileen", "grace")]
    cv2.imwrite(str(folder / "both.png"), np.hstack(heads))
    cv2.imwrite(str(folder / "wall.png"), np.full((200, 200, 3), 180, np.uint8))
    return folder


def head_of(path: Path) -> NDArray[Any]:
    """The face with some room around it, 300x300."""
    box = extract_faces(path)[0].box
    x, y = box.centre
    zoom = 300 / (1.8 * box.width)
    place = np.array([[zoom, 0, 150 - zoom * x], [0, zoom, 150 - zoom * y]])
    return cv2.warpAffine(cv2.imread(str(path)), place, (300, 300), borderMode=cv2.BORDER_REPLICATE)


def test_the_package_stays_light_until_a_face_is_asked_for() -> None:
    code = "import edge, sys; print('numpy' in sys.modules, hasattr(edge, 'nothing'))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_verify_tells_one_person_from_two(album: Path) -> None:
    same = verify(album / "eileen/1.png", str(album / "eileen/2.png"))
    other = verify(album / "eileen/1.png", album / "grace/1.png")
    assert same.verified
    assert not other.verified
    assert same.distance < same.threshold < other.distance
    assert same.model == read_manifest().defaults["embedder"]
    assert same.false_match_rate == faces.PICTURES_FMR


@pytest.mark.parametrize("metric", ["cosine", "euclidean", "euclidean_l2"])
def test_every_metric_gives_the_same_verdict(album: Path, metric: faces.Metric) -> None:
    one, other = (represent(album / name / "1.png")[0].embedding for name in ("eileen", "grace"))
    said = verify(album / "eileen/1.png", album / "grace/1.png", distance_metric=metric)
    direct = 1 - one @ other if metric == "cosine" else np.linalg.norm(one - other)
    assert said.distance == pytest.approx(float(direct), abs=1e-5)
    assert said.verified == (said.distance <= said.threshold)


def test_a_threshold_of_ones_own(album: Path) -> None:
    one, other = album / "eileen/1.png", album / "grace/1.png"
    lax = verify(one, other, distance_metric="euclidean", threshold=1.99)
    assert lax.verified
    assert lax.threshold == pytest.approx(1.99)
    assert lax.false_match_rate is None


def test_files_and_arrays_are_the_same_picture(album: Path) -> None:
    path = album / "grace/1.png"
    from_file, from_array = represent(path)[0], represent(cv2.imread(str(path)))[0]
    np.testing.assert_array_equal(from_file.embedding, from_array.embedding)
    assert np.linalg.norm(from_file.embedding) == pytest.approx(1.0, abs=1e-5)


def test_extracted_faces_are_aligned_and_in_place(album: Path) -> None:
    found = extract_faces(album / "both.png")
    assert len(found) == 2
    for face in found:
        assert face.face.shape == (112, 112, 3)
        assert face.face.dtype == np.uint8
        assert 0.5 < face.confidence <= 1
        right_eye, left_eye = face.five[:2]
        assert face.box.left < right_eye[0] < left_eye[0] < face.box.left + face.box.width


def test_find_searches_a_folder(album: Path) -> None:
    found = find(album / "grace/2.png", album)
    assert len(found) == 1
    assert {Path(hit.identity).parent.name for hit in found[0]} <= {"grace", album.name}
    assert found[0][0].identity == str(album / "grace/2.png")
    distances = [hit.distance for hit in found[0]]
    assert distances == sorted(distances)
    assert all(hit.distance <= hit.threshold for hit in found[0])
    # Both people of one picture are looked for.
    assert len(find(album / "both.png", album)) == 2


@pytest.mark.parametrize("kind", ["empty", "mac", "strip", "folder"])
def test_one_bad_file_hides_no_other(album: Path, tmp_path: Path, kind: str) -> None:
    shutil.copy(album / "eileen/1.png", tmp_path / "a.png")
    if kind == "empty":
        (tmp_path / "b.jpg").touch()
    elif kind == "mac":
        (tmp_path / "._a.png").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X        " + bytes(64))
    elif kind == "strip":
        cv2.imwrite(str(tmp_path / "s.png"), np.zeros((3, 5000, 3), np.uint8))
    else:
        (tmp_path / "album.png").mkdir()
    (found,) = find(album / "eileen/2.png", tmp_path)
    assert [Path(one.identity).name for one in found] == ["a.png"]


def test_find_searches_the_people_enrolled(album: Path, tmp_path: Path) -> None:
    config = Config.model_validate({"paths": {"state": tmp_path}})
    reader = faces.FaceReader(config)
    Vault.create_key(config.key_file)
    with Vault.open(config.people_db, config.key_file, config.device.id) as vault:
        for name in ("eileen", "grace"):
            vector = represent(album / name / "1.png")[0].embedding
            vault.add(Template(name, vector[np.newaxis], reader.model.sha256))
    (hits,) = find(album / "grace/2.png", config=config)
    assert [hit.identity for hit in hits] == ["grace"]


def test_pictures_that_do_not_do_get_a_sentence(album: Path, tmp_path: Path) -> None:
    good = album / "grace/1.png"
    with pytest.raises(NoFaceError, match=r"no face was found in .*wall\.png"):
        represent(album / "wall.png")
    with pytest.raises(NoFaceError, match=r"both\.png shows 2 faces, and one is needed"):
        verify(good, album / "both.png")
    (tmp_path / "text.jpg").write_text("not a picture")
    with pytest.raises(CameraError, match="is not an image"):
        verify(good, tmp_path / "text.jpg")
    with pytest.raises(CameraError, match="cannot be read"):
        verify(tmp_path / "nowhere.jpg", good)
    with pytest.raises(CameraError, match="is not a picture"):
        represent(np.zeros((10, 10), np.uint8))
    with pytest.raises(CameraError, match="is not a folder"):
        find(good, tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CameraError, match="holds no image"):
        find(good, tmp_path / "empty")


def test_names_that_nobody_has_get_a_sentence(album: Path) -> None:
    good = album / "grace/1.png"
    with pytest.raises(ModelError, match="no embedder model called 'VGG-Face'"):
        represent(good, model_name="VGG-Face")
    with pytest.raises(ModelError, match="no detector model called 'yunet'"):
        extract_faces(good, detector_backend="yunet")
    with pytest.raises(UsageError, match="no metric 'manhattan'"):
        verify(good, good, distance_metric="manhattan")  # type: ignore[arg-type]


def test_another_models_calibration_is_refused(album: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    name = read_manifest().defaults["embedder"]
    shipped = Path(faces.__file__).parents[1] / "models/calibration" / f"{name}.json"
    data = json.loads(shipped.read_text()) | {"model_sha256": "ab" * 32}
    wrong.write_text(json.dumps(data))
    config = Config.model_validate({"match": {"calibration": wrong}})
    with pytest.raises(CalibrationError, match="was made for the model abab"):
        verify(album / "grace/1.png", album / "grace/2.png", config=config)


@pytest.mark.parametrize("share", [1.15, 0.12])
def test_faces_too_near_and_too_far_are_found_at_a_second_look(album: Path, share: float) -> None:
    """The face fills the picture, or is a small thing in its middle."""
    picture = cv2.imread(str(album / "eileen/1.png"))[:, :, ::-1]
    detector = Detector(Model(read_manifest().entry(DetectorEntry, "blazeface-short-float16")))
    box = detector.detect(still(np.ascontiguousarray(picture)))[0].box
    side = box.width / share
    x, y = box.centre
    zoom = 400 / side
    place = np.array([[zoom, 0, 200 - zoom * x], [0, zoom, 200 - zoom * y]])
    view = cv2.warpAffine(np.ascontiguousarray(picture), place, (400, 400))
    found = faces_in(still(view), detector)
    assert len(found) == 1
    assert found[0].box.width == pytest.approx(400 * share, rel=0.25)
    assert found[0].box.centre == pytest.approx((200, 200), abs=0.15 * 400 * share)


def test_the_command_compares_and_draws(album: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="drawing needs the extra `plot`")
    drawn = tmp_path / "plot.png"
    pair = [str(album / "grace" / name) for name in ("1.png", "2.png")]
    done = CliRunner().invoke(app, ["verify", *pair, "--plot", str(drawn), "--json"])
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert result["verified"] is True
    assert result["similarity"] >= result["threshold"]
    assert drawn.read_bytes().startswith(b"\x89PNG")
