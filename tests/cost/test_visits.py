"""The door adds next to nothing to the time that a blink takes; time is the film's."""

from __future__ import annotations

import pytest

from edge.config.seeing import Level
from tests.cost.visits import Actor, Entrance, told

MOST_S = 0.25


@pytest.mark.usefixtures("pictures")
def test_who_blinks_is_let_in_at_once() -> None:
    entrance = Entrance()
    visit = entrance.visit(Actor(entrance.portrait, 1.5, seed=0), Level.AUTO)
    assert visit is not None
    assert 0.0 <= visit.door <= MOST_S, visit
    assert visit.person == pytest.approx(1.5 + 0.31, abs=0.2)
    whole = f"blink, whole: median {visit.whole:.2f} s, 95 % {visit.whole:.2f} s"
    assert list(told({"blink": [visit, visit, None]}))[:2] == ["blink: 2 of 3 let in", whole]
