"""The door's rule, groups of people and worse pictures, on vectors whose truth is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.access.calibration import Curve, Point, Rule
from edge.access.cohort import NOBODY
from edge.access.matcher import PROBES
from edge.errors import CalibrationError, UsageError
from edge.evaluate.calibrate import CAPTURES, RATES, cohort_of, rule
from edge.evaluate.degrade import DEGRADATIONS, degradations
from edge.evaluate.people import Faces, Listed, read_people
from edge.evaluate.rule import group_reports, rule_report
from edge.evaluate.strangers import attempts, fused, strangers
from edge.vision.faces.landmarks import landmarks_of

SIZE = 32


def units(rows: NDArray[Any]) -> NDArray[Any]:
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(unit, np.float32)


def crowd(people: int, each: int, *, alike: float = 0.0, seed: int = 0) -> NDArray[Any]:
    """Faces of people that share a direction by `alike`."""
    random = np.random.default_rng(seed)
    shared = np.eye(SIZE)[0] * alike
    own = units(random.normal(size=(people, SIZE))) + shared
    return units(np.repeat(own, each, axis=0) + 0.05 * random.normal(size=(people * each, SIZE)))


def faces(people: int = 40, each: int = 12) -> Faces:
    """Two groups: people of the second resemble each other."""
    vectors = np.concatenate([crowd(people, each), crowd(people, each, alike=0.8, seed=1)])
    owners = np.repeat(np.arange(2 * people), each)
    groups = np.repeat([0, 1], people * each)
    return Faces(vectors, owners, groups, ("many", "few"))


def test_a_table_of_people_is_read(tmp_path: Path) -> None:
    table = tmp_path / "people.csv"
    table.write_text("image,person,group\na.png,Ann,women\nb.png,Bo,\n")
    assert read_people(table) == [Listed("a.png", "Ann", "women"), Listed("b.png", "Bo", "")]
    table.write_text("picture\na.png\n")
    with pytest.raises(UsageError, match="wants the columns image, person, group"):
        read_people(table)
    with pytest.raises(UsageError, match="cannot be read"):
        read_people(tmp_path / "none.csv")


def test_pictures_without_a_face_are_left_out() -> None:
    vectors = np.array([(1, 0), (0, 0), (0, 1)], np.float32)
    listed = [Listed("", "Ann", "a"), Listed("", "Bo", "b"), Listed("", "Cy", "c")]
    found = Faces.of(vectors, listed)
    assert (found.people.tolist(), found.groups.tolist(), found.names) == (
        [0, 1],
        [0, 1],
        ("a", "c"),
    )


def test_strangers_meet_within_their_group_and_a_group_weighs_its_people() -> None:
    both = faces(10, 2)
    met = strangers(both, NOBODY, 1)
    assert len(met.scores) == 2 * (10 * 9 * 2)
    assert met.weights.sum() == pytest.approx(1)
    first = met.people < 10
    assert (first[:, 0] == first[:, 1]).all()
    both = faces(40, 2)
    uneven = Faces(both.vectors[:120], both.people[:120], both.groups[:120], both.names)
    shares = strangers(uneven, NOBODY, 1)
    few = (shares.people >= 40).any(axis=1)
    assert few.sum() == 20 * 19 * 2
    assert shares.weights[few].sum() == pytest.approx(20 / 60)
    five = Faces(both.vectors[:90], both.people[:90], both.groups[:90], both.names)
    rare = strangers(five, NOBODY, 1)
    assert (rare.people < 40).all()  # 5 people's 40 attempts say nothing about a rate


def test_a_threshold_lets_in_the_share_asked_for() -> None:
    met = strangers(faces(), NOBODY, 1)
    for rate in (0.05, 0.01):
        assert 0.5 * rate < met.fmr(met.threshold(rate)) <= rate + 1e-9
        assert met.counted(rate)
    assert met.threshold(1e-7) > met.threshold(1e-4) > float(met.scores[30])
    low, high = met.intervals([met.threshold(0.01)])[0]
    assert low < 0.01 < high


def test_a_cohort_makes_the_groups_more_equal() -> None:
    random = np.concatenate([crowd(5000, 1, seed=2), crowd(1000, 1, alike=0.8, seed=3)])
    cohort = cohort_of(random)
    assert np.allclose(np.linalg.norm(cohort.vectors, axis=1), 1, atol=1e-5)

    def worst(chosen: Any) -> float:
        both = faces()
        threshold = strangers(Faces(both.vectors, both.people, both.groups * 0), chosen, 1)
        points = (Point(0.05, 0.05, threshold.threshold(0.01)), Point(1e-6, 1e-6, 0.999))
        reports = group_reports(both, Rule(((1, Curve(points)),), chosen), 0.05)
        assert reports[0].fmr.low <= reports[0].fmr.value <= reports[0].fmr.high
        return reports[0].over_asked / max(reports[1].over_asked, 1e-9)

    assert worst(cohort) < worst(NOBODY) / 2
    with pytest.raises(CalibrationError, match="too few for a cohort"):
        cohort_of(random[:100])


def test_the_rule_is_measured_for_every_number_of_captures() -> None:
    made = rule(faces(), NOBODY, "a test")
    assert [count for count, _ in made.curves] == list(CAPTURES)
    assert made.threshold_for(8, 0.01) > made.threshold_for(1, 0.01)
    assert rule(faces(each=2), NOBODY, "a test").curves[-1][0] == 2
    for _, curve in made.curves:
        assert all(point.fmr in RATES for point in curve.points)


def test_the_rule_keeps_half_of_what_is_asked_for_strangers_nobody_counted() -> None:
    both = faces()
    met = strangers(both, NOBODY, 1, probes=PROBES)
    made = rule(both, NOBODY, "a test")
    for asked in (0.02, 0.01, 1e-3):
        assert made.threshold_for(1, asked) == pytest.approx(met.threshold(asked / 2), abs=1e-4)


def test_the_report_judges_whole_attempts() -> None:
    both = faces()
    own, others = attempts(both, NOBODY, 5, 3, takes=2)
    assert own.scores.shape == (160,)
    assert (own.people[:, 0] == own.people[:, 1]).all()
    assert (others.people[:, 0] != others.people[:, 1]).all()
    assert len(others.scores) == 2 * 2 * 40 * 39 * 4
    made = rule(both, NOBODY, "a test")
    report = rule_report(both, made, 0.01, 5, 3)
    assert report.fnmr.value == 0
    assert 0 < report.fnmr.high < 0.1  # nothing counted is not nothing
    assert report.observed.value < 0.015
    with pytest.raises(UsageError, match="nobody has 14 pictures"):
        rule_report(both, made, 0.01, 8, 6)


def test_who_has_fewer_pictures_than_probes_shows_each_of_them_throughout() -> None:
    vectors = crowd(2, 7)
    some = Faces(vectors[:9], np.array([0] * 7 + [1] * 2), np.zeros(9, int), ("all",))
    shown = fused(some, 3, np.random.default_rng(0))
    assert shown.people.tolist() == [0, 0, 1, 1]
    assert sorted(map(tuple, shown.vectors[2:])) == sorted(map(tuple, vectors[7:9]))
    assert not any(np.allclose(hand, one) for hand in shown.vectors[:2] for one in vectors)


def test_an_attempt_of_several_probes_finds_people_whom_one_does_not() -> None:
    random = np.random.default_rng(5)
    own = units(random.normal(size=(40, SIZE)))
    noisy = units(np.repeat(own, 12, axis=0) + 0.15 * random.normal(size=(480, SIZE)))
    hard = Faces(noisy, np.repeat(np.arange(40), 12), np.zeros(480, int), ("all",))
    made = rule(hard, NOBODY, "a test")
    one, three = (rule_report(hard, made, 1e-4, 8, probes).fnmr.value for probes in (1, 3))
    assert three < one / 2


@pytest.mark.parametrize("name", DEGRADATIONS)
def test_every_degradation_changes_the_face(name: str) -> None:
    random = np.random.default_rng(0)
    pixels = random.integers(0, 255, (240, 240, 3), np.uint8)
    points = random.uniform(60, 180, (468, 3)).astype(np.float32)
    places = {33: (80, 110), 133: (100, 110), 362: (140, 110), 263: (160, 110), 1: (120, 140)}
    for point, (x, y) in places.items():
        points[point, :2] = x, y
    before = pixels.copy()
    worse = DEGRADATIONS[name](pixels, landmarks_of(points, 1.0))
    assert worse.dtype == np.uint8
    assert worse.shape != pixels.shape or (worse != pixels).any()
    assert (pixels == before).all()


def test_degradations_are_chosen_by_name() -> None:
    assert list(degradations(["mask"])) == ["mask"]
    assert degradations([]) == DEGRADATIONS
    with pytest.raises(UsageError, match="there is no degradation 'fog'"):
        degradations(["fog"])
