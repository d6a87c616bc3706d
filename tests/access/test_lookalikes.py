"""Twins, siblings and chance: neither opens for the other."""

from __future__ import annotations

import numpy as np
import pytest

from edge.access.gallery import pooled
from edge.access.lookalikes import MARGIN, floors, resembled, told_apart
from edge.records import Match, Template

MODEL = "a" * 64


def someone(name: str, *angles: float) -> Template:
    """Captures in one plane, at these angles in degrees: alike means near."""
    turns = np.radians(angles)
    vectors = np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)
    return Template(name, vectors, MODEL)


ANNA, ELLA, BO = someone("Anna", 0, 4, 8), someone("Ella", 20, 24, 28), someone("Bo", 120, 124)


def test_who_would_match_is_found_under_every_other_name() -> None:
    assert list(resembled(ANNA, [ELLA, BO], 0.9)) == ["Ella"]
    assert resembled(ANNA, [ELLA, BO], 0.999) == {}
    assert resembled(ANNA, [someone("ANNA ", 0, 4)], 0.9) == {}  # the same person again


def test_only_lookalikes_need_more() -> None:
    least = floors([ANNA, ELLA, BO], 0.9)
    assert least.keys() == {"Anna", "Ella"}
    best = np.cos(np.radians(16))  # Ella's nearest capture, to the middle of Anna's
    assert least["Anna"] == least["Ella"] == pytest.approx(best + MARGIN, abs=1e-3)


@pytest.mark.parametrize(("degrees", "is_anna"), [(4, True), (0, True), (20, False), (24, False)])
def test_nobody_opens_with_the_face_of_their_twin(degrees: float, is_anna: bool) -> None:
    probe = someone("probe", degrees).vectors[0]
    similarity = float(pooled(ANNA.vectors) @ probe)
    plain = Match("Anna", similarity, 0.9, 2e-5)
    assert plain.matched  # by the door's threshold alone both are Anna
    assert told_apart(plain, floors([ANNA, ELLA], 0.9)).matched is is_anna


def test_everybody_else_is_compared_as_before() -> None:
    match = Match("Bo", 0.95, 0.9, 2e-5)
    assert told_apart(match, {"Anna": 0.99}) is match
