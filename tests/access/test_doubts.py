"""The slow attacker: tries that no lockout sees add up over days, and lock nobody out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.access.doubts import A_DAY, Doubts
from edge.errors import LedgerError
from edge.moment import Moment

DAY = 86_400.0
BEGIN = Moment("b", 1000.0, 2e9, wall_trusted=True)


def later(seconds: float, boot: str = "b") -> Moment:
    return replace(BEGIN, boot=boot, at=BEGIN.at + seconds, wall=BEGIN.wall + seconds)


def repeated(every_s: float, share: float, for_s: float) -> float | None:
    """After how long Ann is doubted whose face is shown so often; None: not within `for_s`."""
    doubts, at = Doubts(), 0.0
    while at < for_s:
        doubts = doubts.after("Ann", share, later(at))
        if doubts.about("Ann", later(at)):
            return at
        at += every_s
    return None


def test_a_film_of_just_under_five_seconds_every_ten_minutes_is_met_the_same_morning() -> None:
    found = repeated(601.0, 0.98, 7 * DAY)
    assert found is not None
    assert found < 2 * 3600


def test_whole_tries_that_wait_until_the_lockout_has_forgotten_are_met_within_the_day() -> None:
    found = repeated(DAY / 30, 1.0, 7 * DAY)
    assert found is not None
    assert found < DAY / 2


def test_who_lives_there_and_walks_past_is_never_doubted() -> None:
    assert repeated(DAY / 20, 0.3, 30 * DAY) is None  # 1.5 s, twenty times a day, for a month


def test_doubt_is_over_a_day_after_the_last_try_however_many_there_were() -> None:
    doubts = Doubts()
    for number in range(500):
        doubts = doubts.after("Ann", 1.0, later(number))
    assert doubts.about("Ann", later(500 + DAY / 2))
    assert not doubts.about("Ann", later(500 + DAY))
    assert not doubts.about("Bo", later(500))


def test_an_answered_challenge_clears_one_person() -> None:
    doubts = Doubts()
    for name in ("Ann", "Bo"):
        for _ in range(round(A_DAY)):
            doubts = doubts.after(name, 1.0, BEGIN)
    assert not doubts.cleared("Ann").about("Ann", BEGIN)
    assert doubts.cleared("Ann").about("Bo", BEGIN)


def test_a_restart_shortens_nothing() -> None:
    doubts = Doubts().after("Ann", 1.0, BEGIN)
    for _ in range(round(A_DAY)):
        doubts = doubts.after("Ann", 1.0, BEGIN)
    read = Doubts.from_json(doubts.to_json())
    assert read == doubts
    set_back = Moment("c", 5.0, 0.0, wall_trusted=False)
    assert read.resumed(set_back).about("Ann", replace(set_back, at=DAY / 100))
    assert not read.resumed(later(DAY, "c")).about("Ann", later(DAY, "c"))


def test_whom_nothing_is_left_of_takes_no_room() -> None:
    doubts = Doubts().after("Ann", 0.5, BEGIN).after("Bo", 0.5, later(DAY))
    assert set(doubts.counts) == {"Bo"}


@pytest.mark.parametrize("text", ["", "[]", '{"Ann": 1}', '{"Ann": {"tries": "x"}}', "[" * 9999])
def test_what_is_damaged_is_said_to_be(text: str) -> None:
    with pytest.raises(LedgerError, match="doubts are damaged"):
        Doubts.from_json(text)
