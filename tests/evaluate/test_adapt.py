"""A projection learnt at a site: better for people not seen, its own hash, easily undone."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.access.calibration import Calibration, Curve, Point
from edge.errors import ModelError, UsageError
from edge.evaluate.adapt import carried, cross_validated, learn
from edge.evaluate.people import Faces
from edge.vision.faces.embedder import projected
from edge.vision.models.adapted import forget, remember
from edge.vision.models.manifest import read_manifest, shipped_models

SIZE = 16


def units(rows: NDArray[Any]) -> NDArray[Any]:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def site(people: int = 30, each: int = 8, seed: int = 0) -> Faces:
    """A camera that shakes four of sixteen numbers: a projection can leave those out."""
    random = np.random.default_rng(seed)
    own = random.normal(size=(people, SIZE))
    shaken = random.normal(size=(people * each, SIZE)) * (np.arange(SIZE) < 4) * 1.5
    vectors = units(np.repeat(own, each, axis=0) + shaken)
    owners = np.repeat(np.arange(people), each)
    return Faces(vectors, owners, np.zeros(len(owners), np.int64))


def test_people_not_seen_are_turned_away_less() -> None:
    trial = cross_validated(site())
    assert trial.better
    assert trial.after.value < 0.7 * trial.before.value
    assert len(trial.scores[0]) == len(trial.scores[1]) == trial.before.attempts


def test_noise_teaches_nothing_and_is_not_adopted() -> None:
    random = np.random.default_rng(0)
    owners = np.repeat(np.arange(20), 5)
    nobody = Faces(units(random.normal(size=(100, SIZE))), owners, owners * 0)
    assert not cross_validated(nobody).better


def test_too_few_people_are_refused() -> None:
    with pytest.raises(UsageError, match="5 people have 4 pictures or more; to adapt, 10"):
        cross_validated(site(people=5))


def test_the_calibration_moves_with_the_strangers() -> None:
    faces, others = site(), site(seed=1)
    projection = learn(faces)
    points = Curve((Point(1e-2, 1e-2, 0.6), Point(1e-3, 1e-3, 0.8)))
    made = carried(Calibration("a" * 64, points, 1000, "made up"), faces, projection, "b" * 64)
    made.require("b" * 64)

    def reached(vectors: NDArray[Any], threshold: float) -> float:
        scores = (vectors @ vectors.T)[others.people[:, np.newaxis] != others.people]
        return float((scores >= threshold).mean())

    moved = projected(others.vectors, projection)
    before, after = reached(others.vectors, 0.6), reached(moved, made.threshold_for(1e-2))
    assert after == pytest.approx(before, rel=0.5)
    assert made.threshold_for(1e-3) > made.threshold_for(1e-2)


def test_a_projection_is_an_embedder_of_its_own_until_it_is_forgotten(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    for path in shipped_models().glob("*.toml"):
        shutil.copy(path, folder)
    base = read_manifest(folder).embedder("mobilefacenet-int8")
    made = remember(folder, "porch", base, np.eye(128, dtype=np.float32))
    found = read_manifest(folder).embedder("porch")
    assert found.sha256 == made.sha256 != base.sha256
    assert found.projection is not None
    assert np.array_equal(found.projection.read(), np.eye(128))
    for damage in (b"something else", b""):
        found.projection.path.write_bytes(damage)
        with pytest.raises(ModelError, match="was altered"):
            found.projection.read()
        with pytest.raises(ModelError, match="is not a projection"):
            read_manifest(folder)
    forget(folder, "porch")
    assert "porch" not in read_manifest(folder).ensembles
    with pytest.raises(UsageError, match="no adapted embedder"):
        forget(folder, "porch")
    with pytest.raises(UsageError, match="is not a name"):
        remember(folder, "../porch", base, np.eye(128, dtype=np.float32))
