"""Three lines of Python: what people who come from deepface expect."""

import base64
import inspect
import io
import json
import math
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import PIL.Image
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner

from edge import analyze, extract_faces, faces, find, represent, stream, verify
from edge.cli import app
from edge.config import Config
from edge.errors import (
    CalibrationError,
    CameraError,
    EdgeDoorError,
    ModelError,
    NoFaceError,
    UsageError,
    VaultError,
)
from edge.faces import searching
from edge.faces.reader import PICTURES_FMR
from edge.records import Template
from edge.vault.key import create_key
from edge.vault.vault import Vault
from edge.vision.inputs import pixels_of
from edge.vision.models.manifest import read_manifest
from edge.vision.pictures import images_in
from edge.vision.stages import Stages
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
    code = (
        "import edge, sys; print('analyze' in dir(edge), 'stream' in dir(edge)); "
        "print('numpy' in sys.modules, hasattr(edge, 'nothing'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True", "False", "False"]


def test_verify_tells_one_person_from_two(album: Path) -> None:
    same = verify(album / "eileen/1.png", str(album / "eileen/2.png"))
    other = verify(album / "eileen/1.png", album / "grace/1.png")
    assert same.verified
    assert not other.verified
    assert same.distance < same.threshold < other.distance
    assert same.model == read_manifest().defaults["embedder"]
    assert same.false_match_rate == PICTURES_FMR


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
    assert distances[0] >= 0
    assert all(hit.distance <= hit.threshold for hit in found[0])
    # Both people of one picture are looked for.
    assert len(find(album / "both.png", album)) == 2


def kinds_of(path: Path) -> dict[str, Any]:
    """One picture, in every form in which programs have it."""
    bgr, data = cv2.imread(str(path)), path.read_bytes()
    return {
        "text": str(path),
        "BGRA": cv2.cvtColor(bgr, cv2.COLOR_BGR2BGRA),
        "float": bgr.astype(np.float64) / 255,
        "float to 255": bgr.astype(np.float32),
        "not contiguous": np.asfortranarray(bgr),
        "PIL": PIL.Image.open(path),
        "PIL with alpha": PIL.Image.open(path).convert("RGBA"),
        "bytes": data,
        "file": io.BytesIO(data),
        "data URI": "data:image/png;base64," + base64.b64encode(data).decode(),
    }


def test_a_picture_is_the_same_in_every_form(album: Path) -> None:
    path = album / "grace/1.png"
    expected = pixels_of(path)
    for name, image in kinds_of(path).items():
        np.testing.assert_array_equal(pixels_of(image), expected, err_msg=name)
    grey = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE)
    np.testing.assert_array_equal(pixels_of(grey), pixels_of(grey[:, :, None]))
    assert verify(grey, path).verified
    held = PIL.Image.open(path).rotate(90, expand=True)
    held.getexif()[274] = 6  # "turn it right to see it upright"
    np.testing.assert_array_equal(pixels_of(held), expected)


def test_answers_have_deepfaces_keys_too(album: Path) -> None:
    said = verify(album / "grace/1.png", album / "grace/2.png")
    assert said["verified"] is said.verified
    assert said["similarity_metric"] == "cosine"
    assert {"verified", "distance", "threshold", "model"} <= set(said)
    face = extract_faces(album / "grace/1.png")[0]
    assert set(face["facial_area"]) == {"x", "y", "w", "h"}
    assert face["confidence"] == face.confidence
    with pytest.raises(KeyError):
        said["age"]


def test_vectors_are_taken_where_deepface_takes_them(album: Path) -> None:
    one, other = album / "grace/1.png", album / "grace/2.png"
    vector = represent(one)[0].embedding
    expected = verify(one, other).similarity
    for given in (vector, list(map(float, vector)), 3 * vector):
        assert verify(given, other).similarity == pytest.approx(expected, abs=1e-5)
    with pytest.raises(UsageError, match="no face's vector"):
        verify([0.0, 0.0], other)


def test_a_missing_face_is_no_error_where_none_is_enforced(album: Path) -> None:
    assert extract_faces(album / "wall.png", enforce_detection=False) == []
    assert represent(album / "wall.png", enforce_detection=False) == []
    assert len(extract_faces(album / "both.png", max_faces=1)) == 1
    assert verify(album / "both.png", album / "both.png", enforce_detection=False).verified


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ({"align": False}, "cut the picture by `box`"),
        ({"anti_spoofing": True}, r"stream\(\) follows a person"),
        ({"normalization": "Facenet2018"}, "stands in the models' manifest"),
        ({"colour": 1}, "knows no argument 'colour'"),
    ],
)
def test_an_argument_without_meaning_says_what_to_use(
    album: Path, argument: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(UsageError, match=sentence):
        extract_faces(album / "grace/1.png", **argument)
    with pytest.raises(UsageError, match=sentence):
        verify(album / "grace/1.png", album / "grace/2.png", **argument)
    extract_faces(album / "grace/1.png", align=True, anti_spoofing=False, normalization="base")


def test_pictures_as_phones_and_scanners_make_them(album: Path, tmp_path: Path) -> None:
    upright = PIL.Image.open(album / "grace/1.png").convert("RGB")
    turns = {1: 0, 3: 180, 6: 90, 8: 270}  # Exif's orientation, and how the phone was held
    for orientation, degrees in turns.items():
        exif = PIL.Image.Exif()
        exif[274] = orientation
        path = tmp_path / f"{orientation}.png"
        upright.rotate(degrees, expand=True).save(path, exif=exif.tobytes())
        np.testing.assert_array_equal(pixels_of(path), np.asarray(upright))
    grey = np.asarray(upright.convert("L"))
    deep = PIL.Image.fromarray(grey.astype(np.uint16) * 257)
    deep.save(tmp_path / "deep.png")
    upright.convert("CMYK").save(tmp_path / "print.jpg", quality=95)
    upright.convert("RGBA").save(tmp_path / "see-through.png")
    for picture in (deep, *(tmp_path / n for n in ("deep.png", "print.jpg", "see-through.png"))):
        assert verify(picture, album / "grace/1.png").similarity > 0.9


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("before", [b"", b"Exif\0\0"])
def test_a_webp_stands_as_it_was_held(tmp_path: Path, orientation: int, before: bytes) -> None:
    """OpenCV asks the others, and not it."""
    places = np.arange(24 * 36 * 3) % 251
    stored = PIL.Image.fromarray(places.astype(np.uint8).reshape(24, 36, 3))
    exif = PIL.Image.Exif()
    exif[274] = orientation
    path = tmp_path / "held.webp"
    stored.save(path, lossless=True, exif=before + exif.tobytes().removeprefix(b"Exif\0\0"))
    with PIL.Image.open(path) as held:
        seen = PIL.ImageOps.exif_transpose(held).convert("RGB")
    np.testing.assert_array_equal(pixels_of(path), np.asarray(seen))


def test_a_webp_that_does_not_say_well_how_it_was_held_is_read_as_it_is(tmp_path: Path) -> None:
    stored = PIL.Image.new("RGB", (36, 24), (9, 9, 9))
    exif = PIL.Image.Exif()
    exif[274] = 6
    path = tmp_path / "held.webp"
    stored.save(path, lossless=True, exif=exif.tobytes())
    whole = path.read_bytes()
    said = whole.index(b"EXIF") + 8
    assert pixels_of(whole).shape == (36, 24, 3)
    for at in range(said, len(whole)):
        damaged = whole[:at] + b"\xff" + whole[at + 1 :]
        assert pixels_of(damaged).shape in {(24, 36, 3), (36, 24, 3)}


def test_what_phones_keep_and_nobody_reads_is_called_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "phone.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes(16))
    with pytest.raises(CameraError, match="HEIC or AVIF, which is not read: save it as JPEG"):
        represent(tmp_path / "phone.HEIC")
    assert images_in(tmp_path) == [tmp_path / "phone.HEIC"]
    for name in ("browser.jfif", "burst.AVIF"):
        (tmp_path / name).write_bytes(b"\0\0\0\x18ftypmsf1" + bytes(16))
        with pytest.raises(CameraError, match="HEIC or AVIF"):
            represent(tmp_path / name)
    assert len(images_in(tmp_path)) == 3
    with pytest.raises(CameraError, match="the picture is empty"):
        represent(PIL.Image.new("RGB", (0, 0)))


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("", "an empty path"),
        (5, "int is no picture"),
        (["a.jpg", "b.jpg"], "call for each of them"),
        (b"", "what was given is not an image"),
        ("A" * 5000, "a text of 5000 characters is no path; base64 wants"),
    ],
)
def test_what_is_no_picture_is_refused_with_a_word(given: object, said: str) -> None:
    with pytest.raises(CameraError, match=said):
        represent(given)


WRONG = [
    *("0.4", b"x", math.nan, math.inf, -1, -(10**400), 1j, "\ud800", "a\0b", "x" * 5000),
    *([1], {}, {"a"}, object, np.array([1.0, 2.0]), np.array(5), np.float32(9), Path("/no/such")),
]
ARGUMENTS: dict[Any, tuple[str, ...]] = {
    extract_faces: ("img_path", "detector_backend", "max_faces", "config", "batched"),
    represent: ("model_name",),
    verify: ("img1_path", "img2_path", "threshold", "distance_metric", "expand_percentage"),
    find: ("db_path", "silent", "normalization"),
    analyze: ("actions", "enforce_detection"),
    stream: ("source",),
}


@pytest.mark.parametrize("value", WRONG, ids=lambda value: repr(value)[:20])
def test_whatever_an_argument_is_the_answer_is_a_sentence(album: Path, value: object) -> None:
    right: dict[str, Any] = dict.fromkeys(
        ("img_path", "img1_path", "img2_path"), album / "grace/1.png"
    )
    for function, names in ARGUMENTS.items():
        known = inspect.signature(function).parameters
        for name in names:
            given = {key: path for key, path in right.items() if key in known} | {name: value}
            with pytest.raises(EdgeDoorError) as refused:
                list(function(**given))
            assert "Traceback" not in str(refused.value)


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        *(({"threshold": t}, "is a distance of unit vectors") for t in ("0.4", 10, -0.1)),
        ({"max_faces": 0}, "max_faces is a whole number from 1 on"),
        ({"enforce_detection": "False"}, "enforce_detection is True or False"),
        ({"config": "door.toml"}, r"config is an `edge.config.Config`, such as"),
    ],
)
def test_a_wrong_value_is_told_what_it_should_be(
    album: Path, argument: dict[str, Any], sentence: str
) -> None:
    one = album / "grace/1.png"
    with pytest.raises(UsageError, match=sentence):
        (represent(one, **argument) if "max_faces" in argument else verify(one, one, **argument))


def test_numbers_of_numpy_are_numbers(album: Path) -> None:
    numbers: dict[str, Any] = {"threshold": np.float32(0.7), "enforce_detection": np.bool_(1)}
    assert verify(album / "grace/1.png", album / "grace/2.png", **numbers).verified
    several: dict[str, Any] = {"max_faces": np.int64(1)}
    assert len(extract_faces(album / "both.png", **several)) == 1


def test_vectors_of_different_networks_are_not_compared(album: Path) -> None:
    with pytest.raises(UsageError, match="of 2 and 384 numbers"):
        verify([0.6, 0.8], album / "grace/1.png")


def test_analyze_says_what_a_door_may_know(album: Path) -> None:
    (said,) = analyze(album / "grace/1.png")
    assert abs(said.yaw) < 40
    assert said.eyes.right > 0.1
    assert said.presence > 0.5
    assert said.suspicions
    assert all(np.isfinite(value) for value in said["suspicions"].values())
    assert said["region"] == said["facial_area"]
    assert said["face_confidence"] == said.confidence


def test_a_film_is_a_stream_of_sightings(album: Path, visitor: tuple[Path, Path]) -> None:
    film, _ = visitor
    seen = []
    for sighting in stream(str(film), album / "eileen"):
        assert sighting.picture.ndim == 3
        seen.append(sighting)
    assert any(sighting.faces == 1 for sighting in seen)
    names = {Path(found.identity).parent.name for one in seen for found in one.found}
    assert names == {"eileen"}
    with pytest.raises(CameraError, match="no camera"):
        next(iter(stream("/dev/video98")))


def test_find_reads_each_picture_once(
    album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(album / "eileen/1.png", tmp_path / "a.png")
    shutil.copy(album / "grace/1.png", tmp_path / "b.png")
    first = find(album / "grace/2.png", tmp_path)
    kept = [path for path in tmp_path.iterdir() if path.name.startswith(".edge-door-faces")]
    assert len(kept) == 1
    read: list[Path] = []

    def noted(path: Path) -> NDArray[np.uint8]:
        read.append(path)
        return pixels_of(path)

    monkeypatch.setattr(searching, "read_image", noted)
    assert find(album / "grace/2.png", tmp_path) == first
    assert read == []
    shutil.copy(album / "grace/1.png", tmp_path / "a.png")  # another picture under its name
    (found,) = find(album / "grace/2.png", tmp_path)
    assert {Path(one.identity).name for one in found} == {"a.png", "b.png"}
    shutil.copy(album / "eileen/2.png", tmp_path / "c.png")
    find(album / "grace/2.png", tmp_path)
    assert read == [tmp_path / "c.png"]
    for damage in (b"damaged", b"", kept[0].read_bytes()[:99]):
        kept[0].write_bytes(damage)
        assert len(find(album / "grace/2.png", tmp_path)[0]) == len(found)


def test_a_search_that_is_broken_off_forgets_nothing(
    album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in (1, 2):
        shutil.copy(album / f"eileen/{number}.png", tmp_path / f"b{number}.png")
    find(album / "grace/2.png", tmp_path)
    shutil.copy(album / "grace/1.png", tmp_path / "a.png")

    def broken_off(_: Path) -> NDArray[np.uint8]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(searching, "read_image", broken_off)
        with pytest.raises(KeyboardInterrupt):
            find(album / "grace/2.png", tmp_path)
    read: list[Path] = []

    def noted(path: Path) -> NDArray[np.uint8]:
        read.append(path)
        return pixels_of(path)

    monkeypatch.setattr(searching, "read_image", noted)
    find(album / "grace/2.png", tmp_path)
    assert read == [tmp_path / "a.png"]


def test_several_threads_get_the_answers_of_one(album: Path) -> None:
    pictures = [album / "grace/1.png", album / "eileen/1.png"] * 3
    alone = [represent(path)[0].embedding for path in pictures]
    threads = cv2.getNumThreads()
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda path: represent(path)[0].embedding, pictures))
    np.testing.assert_array_equal(together, alone)
    assert cv2.getNumThreads() == threads


def test_without_a_folder_it_looks_where_the_command_line_does(
    album: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "door.toml"
    file.write_text(f'[paths]\nstate = "{tmp_path}/state"\n')
    monkeypatch.setenv("EDGE_DOOR_CONFIG", str(file))
    with pytest.raises(VaultError, match=f"there is no {tmp_path}/state/people.db"):
        find(album / "grace/2.png")
    assert not (tmp_path / "state").exists()  # asking makes nobody's vault


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
    create_key(config.key_file)
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
    for array in (
        np.zeros((10, 10, 2), np.uint8),
        np.zeros((9, 9), np.int64),
        np.full((9, 9), -1.0),
    ):
        with pytest.raises(CameraError, match="is not a picture"):
            represent(array)
    with pytest.raises(CameraError, match="https addresses are not fetched"):
        represent("https://example.org/a.jpg")
    with pytest.raises(CameraError, match="dict is no picture"):
        represent({})
    with pytest.raises(CameraError, match="there is no folder"):
        find(good, tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CameraError, match="holds no image"):
        find(good, tmp_path / "empty")


def test_names_that_nobody_has_get_a_sentence(album: Path) -> None:
    good = album / "grace/1.png"
    for family, preset in (("VGG-Face", "vgg-face"), ("ArcFace", "arcface"), ("SFace", "sface")):
        with pytest.raises(ModelError, match=f"models add FILE.tflite --preset {preset}"):
            represent(good, model_name=family)
    with pytest.raises(ModelError, match="--preset yunet"):
        extract_faces(good, detector_backend="yunet")
    with pytest.raises(ModelError, match="--preset retinaface"):
        represent(good, model_name="mobilefacenets-int8", detector_backend="RetinaFace")
    with pytest.raises(ModelError, match="no detector model called 'dlib'"):  # it is an embedder's
        extract_faces(good, detector_backend="dlib")
    with pytest.raises(ModelError, match="no embedder model called 'NoNet'"):
        represent(good, model_name="NoNet")
    with pytest.raises(ModelError, match="Did you mean the preset 'arcface'"):
        represent(good, model_name="arcfce")
    with pytest.raises(UsageError, match="no metric 'manhattan'"):
        verify(good, good, distance_metric="manhattan")  # type: ignore[arg-type]


def test_another_models_calibration_is_refused(album: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.json"
    name = read_manifest().defaults["embedder"]
    shipped = Path(faces.__file__).parents[2] / "models/calibration" / f"{name}.json"
    data = json.loads(shipped.read_text()) | {"model_sha256": "ab" * 32}
    wrong.write_text(json.dumps(data))
    config = Config.model_validate({"match": {"calibration": wrong}})
    with pytest.raises(CalibrationError, match="was made for the model abab"):
        verify(album / "grace/1.png", album / "grace/2.png", config=config)


@pytest.mark.parametrize("share", [1.15, 0.12])
def test_faces_too_near_and_too_far_are_found_at_a_second_look(
    album: Path, stages: Stages, share: float
) -> None:
    """The face fills the picture, or is a small thing in its middle."""
    picture = cv2.imread(str(album / "eileen/1.png"))[:, :, ::-1]
    box = stages.detector.detect(still(np.ascontiguousarray(picture)))[0].box
    side = box.width / share
    x, y = box.centre
    zoom = 400 / side
    place = np.array([[zoom, 0, 200 - zoom * x], [0, zoom, 200 - zoom * y]])
    view = cv2.warpAffine(np.ascontiguousarray(picture), place, (400, 400))
    found = faces_in(still(view), stages)
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
    assert result["similarity"] >= result["required"]
    assert result["distance"] <= result["threshold"]
    assert result == {"ok": True, **verify(pair[0], pair[1])}
    assert drawn.read_bytes().startswith(b"\x89PNG")
    strangers = CliRunner().invoke(app, ["verify", pair[0], str(album / "eileen/1.png")])
    assert strangers.exit_code == 3
    assert "Not the same person" in strangers.stdout
