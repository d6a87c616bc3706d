"""The shipped models: the files of the manifest, equal in every runtime, int8 equal to float."""

from __future__ import annotations

import hashlib
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.errors import ModelError
from edge.records import Frame
from edge.vision.faces.aligner import align
from edge.vision.faces.detector import Detector
from edge.vision.faces.embedder import Embedder
from edge.vision.faces.landmarks import Mesh
from edge.vision.models.entries import (
    DetectorEntry,
    EmbedderEntry,
    EyelidsEntry,
    LandmarksEntry,
)
from edge.vision.models.manifest import read_manifest, shipped_models
from edge.vision.models.model import Model
from edge.vision.models.runtimes import available

if TYPE_CHECKING:
    from pathlib import Path

    from edge.records import Floats, Landmarks, Pixels
    from edge.vision.models.ensemble import Ensemble
    from edge.vision.models.entries import Entry, ModelEntry
    from edge.vision.models.manifest import E

MANIFEST = read_manifest()
ENTRIES = list(MANIFEST.models.values())
SPREAD = 2.0
"""Deviation of the passive networks' log-odds, about."""
# dlib's float file is not shipped; tests/models/test_dlib.py holds int8 against dlib itself.
INT8 = [
    entry
    for entry in ENTRIES
    if entry.precision == "int8" and entry.name.replace("-int8", "-float16") in MANIFEST.models
]


def entry_names(entry: ModelEntry) -> str:
    return entry.name


def float_sibling(entry: E) -> E:
    return MANIFEST.entry(type(entry), entry.name.replace("-int8", "-float16"))


@pytest.fixture(scope="module")
def frames(pictures: list[Pixels]) -> list[Frame]:
    picture = pictures[0][:320, 60:380]
    views = [picture, picture[:, ::-1], picture[:240, 20:300]]
    return [Frame(np.ascontiguousarray(view), 0.0, n) for n, view in enumerate(views)]


@pytest.fixture(scope="module")
def located(frames: list[Frame]) -> list[tuple[Frame, Landmarks]]:
    find = Detector(Model(MANIFEST.entry(DetectorEntry)))
    mesh = Mesh(Model(MANIFEST.entry(LandmarksEntry)))
    return [(frame, mesh.locate(frame, find.detect(frame)[0])) for frame in frames]


def test_the_manifest_and_the_folder_hold_the_same_files() -> None:
    on_disk = {path.name for path in shipped_models().glob("*.tflite")}
    assert on_disk == {entry.path.name for entry in ENTRIES}


def test_every_default_is_a_model_of_its_role() -> None:
    assert set(MANIFEST.defaults) >= {"detector", "landmarks", "eyelids", "embedder"}
    for role, name in MANIFEST.defaults.items():
        if name not in MANIFEST.ensembles:
            assert MANIFEST.models[name].role == role


@pytest.mark.parametrize("entry", ENTRIES, ids=entry_names)
def test_a_file_is_the_one_in_the_manifest_and_says_where_it_is_from(entry: ModelEntry) -> None:
    assert hashlib.sha256(entry.path.read_bytes()).hexdigest() == entry.sha256
    assert entry.licence
    assert entry.source


@pytest.mark.parametrize("entry", ENTRIES, ids=entry_names)
def test_both_runtimes_give_the_same(
    entry: ModelEntry, located: list[tuple[Frame, Landmarks]]
) -> None:
    runtimes = available()
    if len(runtimes) < 2:
        pytest.skip("one runtime here; tflite-runtime installs on Python 3.11 and older")
    models = [Model(entry, runtime) for runtime in runtimes]
    frame, landmarks = located[0]
    if isinstance(entry, EmbedderEntry):
        pixels = align(frame, landmarks, entry.alignment, models[0].size).pixels
    else:
        pixels = fit(frame.pixels, models[0])
    together = [pixels] * entry.input.pictures
    results = [model.run(*together) for model in models]
    # int8: kernels may round the other way in every layer.
    tolerance = 0.15 if entry.precision == "int8" else 0.001
    # A detector's numbers count where it sees a face; elsewhere they run into the thousands.
    scores = results[0].get("scores")
    counts = slice(None) if scores is None else scores[:, 0] > 0
    for name, value in results[0].items():
        error = np.linalg.norm(value[counts] - results[1][name][counts])
        size = float(np.linalg.norm(value[counts]))
        if name == "attack":  # log-odds: near 0 a share of them is nothing
            size = max(size, SPREAD)
        assert error <= tolerance * size, name


@pytest.mark.parametrize(
    "entry", [entry for entry in INT8 if isinstance(entry, EmbedderEntry)], ids=entry_names
)
def test_an_int8_embedder_agrees_with_float(
    entry: EmbedderEntry, located: list[tuple[Frame, Landmarks]]
) -> None:
    embedders = Embedder([Model(entry)]), Embedder([Model(float_sibling(entry))])
    for face in located:
        ours, theirs = (embedder.embed(*face).vector for embedder in embedders)
        assert float(ours @ theirs) >= 0.98


@pytest.mark.parametrize("entry", ENTRIES, ids=entry_names)
def test_an_image_that_is_drawn_is_seen_like_one_that_is_given(entry: ModelEntry) -> None:
    model, random = Model(entry), np.random.default_rng(1)
    width, height = model.size
    several = entry.input.pictures, height, width, 3
    images = list(random.integers(0, 256, several, dtype=np.uint8))
    given = model.run(*images)
    model.put(*images[::-1])
    model.draw(*(partial(np.copyto, src=image) for image in images))
    drawn = model.compute()
    for name, value in given.items():
        np.testing.assert_array_equal(drawn[name], value)


@pytest.mark.parametrize("entry", INT8, ids=entry_names)
def test_an_int8_network_sees_every_grey_level(entry: ModelEntry) -> None:
    model = Model(entry)
    width, height = model.size
    flat = [np.full((height, width, 3), level, np.uint8) for level in range(124, 132)]
    seen = [np.concatenate([v.ravel() for v in model.run(pixels).values()]) for pixels in flat]
    assert not any(np.array_equal(one, other) for one, other in pairwise(seen))


LOOK_ONCE = {"mobilefacenet-256-int8"}


def unit(vector: Floats) -> Floats:
    flat = vector.ravel()
    return flat / np.linalg.norm(flat)


@pytest.mark.parametrize(
    "entry", [entry for entry in ENTRIES if isinstance(entry, EmbedderEntry)], ids=entry_names
)
def test_an_embedder_knows_a_face_in_the_mirror(
    entry: EmbedderEntry, located: list[tuple[Frame, Landmarks]]
) -> None:
    """Those that look at both images see no difference; the one that looks once, hardly any."""
    model = Model(entry)
    face, *_, other = (align(*place, entry.alignment, model.size).pixels for place in located)
    views = (face, face[:, ::-1], other)
    vector, mirrored, elsewhere = (unit(model.run(view)["embedding"]) for view in views)
    assert vector @ mirrored > (0.95 if entry.name in LOOK_ONCE else 1 - 1e-6)
    assert not np.array_equal(vector, elsewhere)


def test_both_eyes_are_seen_together_and_each_by_itself(frames: list[Frame]) -> None:
    model = Model(MANIFEST.entry(EyelidsEntry))
    width, height = model.size
    one, other = (np.ascontiguousarray(f.pixels[90:][:height, 80:][:, :width]) for f in frames[:2])
    here, there = model.run(one, other), model.run(other, one)
    for name, value in here.items():
        assert not np.array_equal(value[0], value[1])
        np.testing.assert_array_equal(value[::-1], there[name])
    with pytest.raises(ValueError, match=rf"{model.entry.name} takes pictures of shapes"):
        model.run(one)


@pytest.mark.parametrize("ensemble", MANIFEST.ensembles.values(), ids=lambda e: e.name)
def test_cosines_of_several_embedders_are_added(ensemble: Ensemble, frames: list[Frame]) -> None:
    find = Detector(Model(MANIFEST.entry(DetectorEntry)))
    mesh = Mesh(Model(MANIFEST.entry(LandmarksEntry)))
    faces = [(frame, mesh.locate(frame, find.detect(frame)[0])) for frame in frames[:2]]
    models = [Model(entry) for entry in ensemble.networks]

    def cosine(embedder: Embedder) -> float:
        one, other = (embedder.embed(*face).vector for face in faces)
        return float(one @ other)

    alone = [cosine(Embedder([model])) for model in models]
    together = Embedder(models, ensemble.weights)
    assert cosine(together) == pytest.approx(np.average(alone, weights=ensemble.weights), abs=1e-5)
    assert together.model_sha256 == ensemble.sha256
    assert ensemble.sha256 not in {entry.sha256 for entry in ensemble.networks}


def test_vectors_of_other_weights_are_others() -> None:
    ensemble = MANIFEST.ensembles["mobilefacenet-dlib-int8"]
    other = ensemble.model_copy(update={"weights": (1.0, 2.0)})
    assert other.sha256 != ensemble.sha256


def test_an_ensemble_is_found_by_name_and_listed_where_none_is() -> None:
    assert len(MANIFEST.embedder("MobileFaceNet dlib int8").networks) == 2
    assert len(MANIFEST.embedder("dlib").networks) == 1
    with pytest.raises(ModelError, match="mobilefacenet-dlib-int8"):
        MANIFEST.embedder("nobody")


@pytest.mark.parametrize(
    ("table", "complaint"),
    [("{ nobody = 1 }", "nobody"), ("{ dlib-resnet-int8 = 0 }", "greater than 0")],
)
def test_a_wrong_ensemble_is_refused(tmp_path: Path, table: str, complaint: str) -> None:
    text = (shipped_models() / "manifest.toml").read_text()
    text += f"\n[ensembles.wrong]\nweights = {table}\n"
    (tmp_path / "manifest.toml").write_text(text)
    with pytest.raises(ModelError, match=complaint):
        read_manifest(tmp_path)


@pytest.mark.parametrize(
    "entry", [entry for entry in INT8 if isinstance(entry, DetectorEntry)], ids=entry_names
)
def test_an_int8_detector_agrees_with_float(entry: DetectorEntry, frames: list[Frame]) -> None:
    detectors = Detector(Model(entry)), Detector(Model(float_sibling(entry)))
    for frame in frames:
        (ours, *more), (theirs, *others) = (detector.detect(frame) for detector in detectors)
        # What one calls a face and the other does not, both doubt.
        assert len(more) == len(others) or max(face.score for face in more + others) < 0.7
        assert ours.box.iou(theirs.box) >= 0.9
        drift = np.linalg.norm(ours.keypoints - theirs.keypoints, axis=1).mean()
        assert drift <= 0.03 * theirs.box.width


def fit(pixels: Pixels, model: Model[Entry]) -> Pixels:
    """Any picture of the model's size."""
    width, height = model.size
    rows = np.linspace(0, pixels.shape[0] - 1, height).astype(int)
    columns = np.linspace(0, pixels.shape[1] - 1, width).astype(int)
    return np.ascontiguousarray(pixels[rows][:, columns])
