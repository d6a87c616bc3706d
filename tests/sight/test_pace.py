"""Below twelve frames a second sight says so, once, and once more when it keeps up again."""

from __future__ import annotations

import pytest

from edge.sight.pace import Pace


def changes(pace: Pace, fps: float, seconds: float, begin: float = 0.0) -> list[bool]:
    times = (begin + n / fps for n in range(round(fps * seconds)))
    return [pace.slow for at in times if pace.judged(at)]


@pytest.mark.parametrize("fps", [12.5, 15, 30, 60])
def test_a_board_that_keeps_up_says_nothing(fps: float) -> None:
    assert changes(Pace(), fps, 20) == []


@pytest.mark.parametrize("fps", [2, 5, 8, 11.5])
def test_a_board_that_does_not_says_so_once(fps: float) -> None:
    assert changes(Pace(), fps, 30) == [True]


def test_and_once_more_when_it_does() -> None:
    pace = Pace()
    assert changes(pace, 8, 10) == [True]
    assert changes(pace, 30, 310, begin=10.0) == [False]
    assert changes(pace, 8, 10, begin=320.0) == [True]


def test_a_board_on_the_edge_says_so_once() -> None:
    """It told each turn, two events every few seconds."""
    pace = Pace()
    turns = ((10.0 * turn, (8, 30)[turn % 2]) for turn in range(24))
    assert [told for at, fps in turns for told in changes(pace, fps, 10, begin=at)] == [True]


def test_people_who_come_and_go_are_no_slow_rate() -> None:
    pace = Pace()
    for visit in range(20):
        assert changes(pace, 30, 2.5, begin=10.0 * visit) == []
