"""Twins, siblings and chance: neither opens for the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.access.gallery import pooled
from edge.access.lookalikes import MARGIN, Lookalikes, alike, resembled, told_apart
from edge.records import Match, Template

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.records import Floats

MODEL = "a" * 64


def someone(name: str, *angles: float) -> Template:
    """Captures in one plane, at these angles in degrees: alike means near."""
    turns = np.radians(angles)
    vectors = np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)
    return Template(name, vectors, MODEL)


ANNA, ELLA, BO = someone("Anna", 0, 4, 8), someone("Ella", 20, 24, 28), someone("Bo", 120, 124)


def floors(*templates: Template) -> dict[str, float]:
    lookalikes = Lookalikes(0.9)
    lookalikes.know(templates)
    return lookalikes.floors


def test_who_would_match_is_found_under_every_other_name() -> None:
    assert list(resembled(ANNA, [ELLA, BO], 0.9)) == ["Ella"]
    assert resembled(ANNA, [ELLA, BO], 0.999) == {}
    assert resembled(ANNA, [someone("ANNA ", 0, 4)], 0.9) == {}  # the same person again


def test_only_lookalikes_need_more() -> None:
    least = floors(ANNA, ELLA, BO)
    assert least.keys() == {"Anna", "Ella"}
    best = np.cos(np.radians(16))  # Ella's nearest capture, to the middle of Anna's
    assert least["Anna"] == least["Ella"] == pytest.approx(best + MARGIN, abs=1e-3)


@pytest.mark.parametrize(("degrees", "is_anna"), [(4, True), (0, True), (20, False), (24, False)])
def test_nobody_opens_with_the_face_of_their_twin(degrees: float, is_anna: bool) -> None:
    probe = someone("probe", degrees).vectors[0]
    similarity = float(pooled(ANNA.vectors) @ probe)
    plain = Match("Anna", similarity, 0.9, 2e-5)
    assert plain.matched  # by the door's threshold alone both are Anna
    assert told_apart(plain, floors(ANNA, ELLA)).matched is is_anna


def test_everybody_else_is_compared_as_before() -> None:
    match = Match("Bo", 0.95, 0.9, 2e-5)
    assert told_apart(match, {"Anna": 0.99}) is match


def test_a_change_compares_whoever_has_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    """And ends where comparing everybody with everybody does."""
    dice = np.random.default_rng(1)

    def another(number: int) -> Template:
        vectors = dice.normal(size=(int(dice.integers(1, 5)), 8)).astype(np.float32)
        return Template(
            f"P{number}", vectors / np.linalg.norm(vectors, axis=1, keepdims=True), MODEL
        )

    compared: list[int] = []

    def counted(some: Sequence[Template], others: Sequence[Template]) -> Floats:
        compared.append(len(some))
        return alike(some, others)

    monkeypatch.setattr("edge.access.lookalikes.alike", counted)
    monkeypatch.setattr("edge.access.lookalikes._AT_A_TIME", 7)
    people = [another(number) for number in range(20)]
    lookalikes = Lookalikes(0.6)
    for _ in range(3):
        lookalikes.know(people)
        afresh = Lookalikes(0.6)
        afresh.know(people)
        assert lookalikes.floors == pytest.approx(afresh.floors)
        assert lookalikes.floors
        people[4] = another(4)
        del people[9]
        people.append(another(50 + len(people)))
        compared.clear()
    lookalikes.know(people)
    assert compared == [2]
    for one in people:
        others = dict.fromkeys(resembled(one, people, 0.6), 1.0)
        assert (one.person in lookalikes.floors) is bool(others)


def test_everybody_against_everybody_is_pair_by_pair() -> None:
    found = alike([ANNA, BO], [ELLA, ANNA, BO])
    for row, one in enumerate((ANNA, BO)):
        for column, other in enumerate((ELLA, ANNA, BO)):
            assert found[row, column] == pytest.approx(alike([one], [other])[0, 0], abs=1e-6)
