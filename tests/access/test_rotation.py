"""The secret rotation of templates: no distance changes, and another device sees noise."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.access.calibration import from_json
from edge.access.gallery import Gallery
from edge.access.lookalikes import resembled
from edge.access.matcher import ranked
from edge.access.rotation import Rotation
from edge.records import Embedding, Template
from edge.vision.models.manifest import shipped_models

if TYPE_CHECKING:
    from edge.records import Floats

FILE = shipped_models() / "calibration" / "mobilefacenet-dlib-int8.json"
CALIBRATION = from_json(FILE.read_text(), "shipped")
SIZE = CALIBRATION.rule.cohort.vectors.shape[1]
CLOSE = 2e-6
"""Of a cosine: float32 holds 6e-8, and a sum of a few hundred terms some more."""


def faces(seed: int, count: int, size: int = SIZE) -> Floats:
    """Unit vectors in a cone, as an embedder's are: strangers are a little alike."""
    dice = np.random.default_rng(seed)
    vectors = dice.normal(size=(count, size)) + dice.normal(size=size) * 0.7
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@settings(max_examples=40)
@given(st.binary(min_size=32, max_size=32), st.integers(1, 300), st.integers(0, 2**32 - 1))
def test_every_inner_product_stays(secret: bytes, size: int, seed: int) -> None:
    rotation, vectors = Rotation(secret), faces(seed, 6, size)
    turned = rotation(vectors)
    assert turned.dtype == np.float32
    assert np.allclose(turned @ turned.T, vectors @ vectors.T, atol=CLOSE)
    assert np.allclose(rotation.back(turned), vectors, atol=CLOSE)
    assert np.allclose(rotation(vectors[0]), turned[0], atol=CLOSE)


@settings(max_examples=25)
@given(
    st.binary(min_size=32, max_size=32),
    st.integers(0, 2**32 - 1),
    st.lists(st.integers(1, 6), min_size=1, max_size=8),
    st.floats(0, 1.5),
)
def test_every_decision_stays_with_cohort_and_share_of_the_rate(
    secret: bytes, seed: int, captures: list[int], noise: float
) -> None:
    rotation = Rotation(secret)
    people = [
        Template(f"p{number}", faces(seed + number, count), CALIBRATION.model)
        for number, count in enumerate(captures)
    ]
    vector = people[0].vectors[0] + noise * faces(seed - 1 if seed else 99, 1)[0]
    probe = Embedding((vector / np.linalg.norm(vector)).astype(np.float32), CALIBRATION.model)
    plain = ranked(probe, people, CALIBRATION, 2e-5)
    calibration = rotation.calibration(CALIBRATION)
    kept = [replace(each, vectors=rotation(each.vectors)) for each in people]
    turned = ranked(
        rotation.probe(probe), Gallery(kept, calibration.rule.cohort), calibration, 2e-5
    )
    by_name = {match.person: match for match in turned}
    for match in plain:
        other = by_name[match.person]
        assert other.similarity == pytest.approx(match.similarity, abs=CLOSE)
        assert other.threshold == pytest.approx(match.threshold, abs=CLOSE)
        if abs(match.margin) > 2 * CLOSE:
            assert (other.margin > 0) == (match.margin > 0)
    same = resembled(people[0], people[1:], 0.3)
    assert resembled(kept[0], kept[1:], 0.3) == pytest.approx(same, abs=CLOSE)


def test_a_sites_own_projection_comes_first_and_stays() -> None:
    projection = np.random.default_rng(1).normal(size=(SIZE, SIZE)).astype(np.float32)
    vectors = faces(2, 8) @ projection
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    turned = Rotation(bytes(32))(vectors)
    assert np.allclose(turned @ turned.T, vectors @ vectors.T, atol=CLOSE)


def test_a_template_of_one_device_is_noise_on_another() -> None:
    one, other = Rotation(b"1" * 32), Rotation(b"2" * 32)
    vectors = faces(3, 300)
    mine, theirs = one(vectors), other(vectors)
    crossed = np.sum(mine * theirs, axis=1)  # the same face on two devices
    expected = 1 / np.sqrt(SIZE)
    assert abs(float(crossed.mean())) < 4 * expected / np.sqrt(len(vectors)) + expected
    assert float(np.abs(mine @ vectors.T).max()) < 7 * expected
    least = CALIBRATION.rule.threshold_for(1, 2e-5)
    assert float(np.abs(crossed).max()) < least


def test_it_is_the_same_on_every_machine_and_spreads_evenly() -> None:
    first = Rotation(bytes(range(32)))(np.eye(4, dtype=np.float32))[0]
    assert first == pytest.approx(FIRST, abs=1e-6)
    spread = Rotation(bytes(32))(np.eye(256, dtype=np.float32))
    assert float(spread.std()) == pytest.approx(1 / 16, rel=0.01)
    assert float(np.linalg.det(spread.astype(np.float64))) in (
        pytest.approx(1, abs=1e-3),
        pytest.approx(-1, abs=1e-3),
    )


FIRST = [-0.0640806, 0.9431084, 0.3094626, 0.103311]
