"""Error rates, their intervals and calibration, on scores whose truth is known."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from edge.access.calibration import from_json, to_json
from edge.config import Config
from edge.errors import CalibrationError, UsageError
from edge.evaluate import plots
from edge.evaluate.calibrate import RATES, Assurance, calibrate
from edge.evaluate.intervals import binomial_upper
from edge.evaluate.pairs import Pairs, read_pairs
from edge.evaluate.stats import (
    Genuine,
    Impostors,
    all_impostors,
    best_threshold,
    d_prime,
    equal_error,
    fmr_upper,
    fnmr_at,
    fold_accuracies,
    listed_impostors,
    tail_threshold,
)
from edge.evaluate.verification import Encoded, encode, judge
from edge.vision.calibrated import read_calibration

MODEL = "ab" * 32


def vectors_of(
    people: int, each: int, noise: float, seed: int = 0
) -> tuple[NDArray[Any], NDArray[Any]]:
    """`people` random directions, `each` noisy unit vectors of every one."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(people, 64))
    rows = np.repeat(centres, each, axis=0) + noise * rng.normal(size=(people * each, 64))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float32), np.repeat(np.arange(people), each)


@pytest.fixture(scope="module")
def impostors() -> Impostors:
    return all_impostors(*vectors_of(150, 3, 0.5))


def test_every_pair_of_two_people_is_scored_once() -> None:
    vectors, people = vectors_of(5, 2, 0.1)
    impostors = all_impostors(vectors, people)
    assert len(impostors) == 10 * 9 // 2 - 5
    assert np.all(np.diff(impostors.scores) <= 0)
    assert np.all(impostors.people[:, 0] != impostors.people[:, 1])


@pytest.mark.parametrize("fmr", [0.3, 1e-2, 1e-3, 1e-4])
def test_no_more_impostors_than_the_rate_reach_the_threshold(
    impostors: Impostors, fmr: float
) -> None:
    threshold = impostors.threshold(fmr)
    reached = np.mean(impostors.scores >= threshold)
    assert reached <= fmr
    assert reached > fmr - 2 / len(impostors)
    assert impostors.count(threshold) == np.sum(impostors.scores >= threshold)


def test_with_equal_weights_the_resampled_rate_is_the_counted_one(impostors: Impostors) -> None:
    once = np.ones(len(impostors.images), np.int64)
    rates = impostors.cumulated(once)
    assert rates[0] == pytest.approx(1 / len(impostors))
    assert rates[499] == pytest.approx(500 / len(impostors))


def test_listed_and_all_pairs_agree_where_the_list_is_complete() -> None:
    vectors, people = vectors_of(12, 1, 0.0)
    one, other = np.triu_indices(12, 1)
    scores = np.einsum("nd,nd->n", vectors[one], vectors[other])
    listed = listed_impostors(scores, np.stack([people[one], people[other]], axis=1), 12)
    complete = all_impostors(vectors, people)
    np.testing.assert_allclose(listed.scores, complete.scores, atol=1e-6)
    weights = np.random.default_rng(1).integers(0, 3, 12)
    np.testing.assert_allclose(
        listed.cumulated(weights)[-1], complete.cumulated(weights)[-1], atol=1e-9
    )


def test_binomial_bound_is_the_rule_of_three_with_no_error_counted() -> None:
    assert binomial_upper(0, 1000) == pytest.approx(-math.expm1(math.log(0.025) / 1000), rel=1e-6)
    assert binomial_upper(1000, 1000) == 1.0


@pytest.mark.parametrize(
    ("count", "total", "bound"), [(1, 10, 0.44502), (5, 100, 0.11283), (30, 10_000, 0.0042803)]
)
def test_binomial_bound_against_published_tables(count: int, total: int, bound: float) -> None:
    assert binomial_upper(count, total) == pytest.approx(bound, rel=2e-3)


def test_intervals_hold_the_value_and_are_wider_over_people_than_over_pairs(
    impostors: Impostors,
) -> None:
    thresholds = [impostors.threshold(1e-2)]
    upper = fmr_upper(impostors, thresholds)[0]
    assert 1e-2 < binomial_upper(impostors.count(thresholds[0]), len(impostors)) < upper < 5e-2
    genuine = Genuine(np.linspace(0.1, 0.9, 150, dtype=np.float32), np.arange(150))
    (rate,) = fnmr_at(genuine, impostors, [1e-2])
    assert rate.low < rate.value < rate.high
    assert rate.value == genuine.fnmr(rate.threshold)


def test_no_error_and_total_confusion() -> None:
    people = np.arange(50)
    apart = listed_impostors(np.full(50, 0.1, np.float32), np.stack([people, people + 1], 1), 51)
    genuine = Genuine(np.full(50, 0.9, np.float32), people)
    assert equal_error(genuine, apart) == 0.0
    mixed = Genuine(np.tile([0.0, 0.2], 25).astype(np.float32), people)
    assert equal_error(mixed, apart) == pytest.approx(0.25)
    assert d_prime(mixed, apart) == pytest.approx(0.0, abs=1e-5)


@given(
    st.lists(st.tuples(st.integers(-100, 100), st.booleans()), min_size=2, max_size=40),
)
def test_best_threshold_is_no_worse_than_any_other(rows: list[tuple[int, bool]]) -> None:
    scores = np.array([s / 100 for s, _ in rows], np.float32)
    same = np.array([kind for _, kind in rows])
    found = np.mean((scores >= best_threshold(scores, same)) == same)
    for threshold in np.unique(np.concatenate([scores, [2.0]])):
        assert found >= np.mean((scores >= threshold) == same)


def test_each_fold_is_judged_by_the_others() -> None:
    scores = np.array([0.9, 0.1, 0.9, 0.1, 0.1, 0.9], np.float32)
    same = np.array([True, False] * 3)
    folds = np.array([0, 0, 1, 1, 2, 2])
    # The third fold is labelled the wrong way round, and the others know nothing of it.
    assert fold_accuracies(scores, same, folds)[2] == 0.0


def test_the_fitted_tail_is_near_what_was_counted_and_never_laxer() -> None:
    scores = np.random.default_rng(3).normal(0.05, 0.1, 400_000).astype(np.float32)
    pairs = np.random.default_rng(4).integers(0, 900, (400_000, 2))
    impostors = listed_impostors(scores, pairs, 900)
    counted, fitted = impostors.threshold(1e-4), tail_threshold(impostors, 1e-4)
    assert counted <= fitted + 0.01
    assert fitted == pytest.approx(counted, abs=0.02)
    # A Gaussian's true threshold at 1e-7 is 5.2 deviations up; the exponential tail is stricter.
    assert tail_threshold(impostors, 1e-7) > 0.05 + 5.2 * 0.1


def test_a_calibration_survives_its_file_and_marks_what_was_not_counted(
    impostors: Impostors,
) -> None:
    made = calibrate(impostors, MODEL, "made-up faces")
    assert from_json(to_json(made), "here") == made
    counted = Assurance(len(impostors)).counted_down_to
    for point in made.pictures.points:
        assert point.extrapolated == (point.fmr < counted)
        assert np.mean(impostors.scores >= point.threshold - 1e-5) <= point.upper
    assert made.pictures.points[0].fmr == RATES[0]
    assert Assurance(300).rule_of_3 == 0.01


def test_too_few_pairs_do_not_calibrate() -> None:
    few = all_impostors(*vectors_of(20, 1, 0.1))
    with pytest.raises(CalibrationError, match="190 impostor pairs are too few"):
        calibrate(few, MODEL, "nobody")


LIST = "Ann\t1\t2\nBob\t1\t3\nAnn\t1\tBob\t1\nAnn\t2\tBob\t3\n"


@pytest.mark.parametrize(
    ("header", "folds"), [("", [0, 1, 0, 1]), ("2\n", [0, 1, 0, 1]), ("2\t1\n", [0, 0, 1, 1])]
)
def test_lists_with_and_without_folds(tmp_path: Path, header: str, folds: list[int]) -> None:
    file = tmp_path / "pairs.txt"
    file.write_text(header + LIST)
    listed = read_pairs(file)
    assert [pair.same for pair in listed.pairs] == [True, True, False, False]
    assert listed.images[0] == "Ann/Ann_0001.jpg"
    assert listed.folded is (folds[1] == 0)
    assert [p.fold for p in listed.pairs] == folds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Ann 1 2\nAnn one two\nAnn 1 Bob 1\n", "line 2: want `NAME N1 N2`"),
        ("Ann 1 2\n", "pairs of the same and of different people"),
        ("", "pairs of the same and of different people"),
        ("10 0\nAnn 1 2\nAnn 1 Bob 1\n", "line 1: a fold has one pair"),
    ],
)
def test_a_bad_list_gets_a_sentence(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "pairs.txt"
    file.write_text(text)
    with pytest.raises(UsageError, match=said):
        read_pairs(file)


def test_a_missing_list_gets_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_pairs(tmp_path / "nowhere.txt")


def encoded_pairs(tmp_path: Path) -> tuple[Pairs, Encoded]:
    """Thirty people, two pictures each, one in which no face was found."""
    vectors, _ = vectors_of(30, 2, 0.2)
    vectors[3] = 0
    names = tuple(f"P{i // 2:02d}/P{i // 2:02d}_{i % 2 + 1:04d}.jpg" for i in range(60))
    lines = [f"P{i:02d} 1 2" for i in range(30)]
    lines += [f"P{i:02d} 1 P{(i + 1) % 30:02d} 2" for i in range(30)]
    lines.append("P00 1 7")
    file = tmp_path / "pairs.txt"
    file.write_text("\n".join(lines))
    return read_pairs(file), Encoded(names, vectors, ("P00/P00_0007.jpg",))


def test_a_report_counts_failures_as_non_matches_and_missing_pictures_not_at_all(
    tmp_path: Path,
) -> None:
    listed, encoded = encoded_pairs(tmp_path)
    report = judge("net", listed, encoded)
    assert report.pairs == 60
    assert report.skipped_pairs == 1
    assert report.failure_to_enrol == 1 / 60
    assert report.failures == ("P01/P01_0002.jpg",)
    assert report.accuracy == pytest.approx(59 / 60)
    assert report.fnmr_at["1e-2"].value == pytest.approx(1 / 30)
    result = json.loads(json.dumps(report.as_dict()))
    assert set(result["fnmr_at_fmr"]) == {"1e-2", "1e-3", "1e-4", "1e-5", "1e-6"}
    assert result["uncounted_fmr"] == ["1e-2", "1e-3", "1e-4", "1e-5", "1e-6"]
    assert result["model"] == "net"


def test_one_fold_cannot_be_judged_by_others(tmp_path: Path) -> None:
    file = tmp_path / "pairs.txt"
    file.write_text("Ann 1 2\nAnn 1 Bob 1\n")
    listed = read_pairs(file)
    encoded = Encoded(tuple(listed.images), np.eye(3, dtype=np.float32), ())
    with pytest.raises(UsageError, match="at least two pairs"):
        judge("net", listed, encoded)


def test_all_impostors_are_many_more(tmp_path: Path) -> None:
    listed, encoded = encoded_pairs(tmp_path)
    report = judge("net", listed, encoded, every_impostor=True)
    assert len(report.impostors) == 59 * 58 // 2 - 29
    assert report.as_dict()["uncounted_fmr"] == ["1e-3", "1e-4", "1e-5", "1e-6"]


def test_curves_are_drawn(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="drawing needs the extra `plot`")
    listed, encoded = encoded_pairs(tmp_path)
    report = judge("net", listed, encoded, every_impostor=True)
    plots.det_curve(report, tmp_path / "det.png")
    plots.histogram(report, tmp_path / "histogram.png")
    for name in ("det.png", "histogram.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match="cannot be written"):
        plots.histogram(report, tmp_path / "nowhere" / "a.png")


LFW = Path(__file__).parents[3] / "shared/data/lfw_view1_test"


@pytest.mark.slow
@pytest.mark.skipif(
    not LFW.is_dir(),
    reason="needs a folder ../shared with data/lfw_view1_test beside the checkout",
)
def test_the_shipped_calibration_holds_on_the_pictures_it_was_made_from() -> None:
    config = Config()
    listed = read_pairs(LFW / "pairs.txt")
    report = judge(
        "default", listed, encode(config, LFW / "images", listed.images), every_impostor=True
    )
    assert report.failure_to_enrol == 0
    calibration = read_calibration(config)
    for fmr in (1e-2, 1e-3, 1e-4):
        point = calibration.pictures.at(fmr)
        reached = report.impostors.count(point.threshold) / len(report.impostors)
        assert reached == pytest.approx(fmr, rel=0.15)
        assert reached <= point.upper
