"""The slow attacker: tries that no lockout sees add up over days, and lock nobody out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edge.access.doubts import A_DAY, Count, Doubts, unproven
from edge.errors import LedgerError
from edge.moment import Moment
from edge.records import Decision, Match, Outcome, Reason

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


def test_doubt_lasts_for_a_day_and_is_told_once() -> None:
    """It was over within minutes of the eighth try, and the owner was told of each one after it."""
    doubts, told = Doubts({"Ann": Count(A_DAY - 0.1, BEGIN)}), 0
    for hour in range(7 * 24):
        moment = later(hour * 3600)
        before = doubts.about("Ann", moment)
        doubts = doubts.after("Ann", 0.34, moment)  # as fast as it runs off
        told += doubts.about("Ann", moment) and not before
    assert told == 1
    over = moment.at - BEGIN.at + DAY + 1
    assert not doubts.about("Ann", later(over))
    assert doubts.after("Ann", 1.0, later(over)).about("Ann", later(over + DAY - 60))


@pytest.mark.parametrize(
    ("reason", "similarity", "whose"),
    [
        (Reason.NOT_LIVE, 0.8, "Ann"),
        (Reason.LIVENESS_FAILED, 0.8, "Ann"),
        (Reason.LIVENESS_FAILED, 0.3, None),  # a stranger, whom Ann is nearest to
        (Reason.LOCKED_OUT, 0.8, None),
    ],
)
def test_whose_face_it_was(reason: Reason, similarity: float, whose: str | None) -> None:
    match = Match("Ann", similarity, 0.5, 1e-3)
    assert unproven(Decision(Outcome.DENY, reason, match=match)) == whose
    assert unproven(Decision(Outcome.DENY, reason)) is None


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
    day_after = later(DAY + 1, "c")
    assert not read.resumed(day_after).about("Ann", day_after)


def test_whom_nothing_is_left_of_takes_no_room() -> None:
    doubts = Doubts().after("Ann", 0.5, BEGIN).after("Bo", 0.5, later(DAY))
    assert set(doubts.counts) == {"Bo"}


@pytest.mark.parametrize("text", ["", "[]", '{"Ann": 1}', '{"Ann": {"tries": "x"}}', "[" * 9999])
def test_what_is_damaged_is_said_to_be(text: str) -> None:
    with pytest.raises(LedgerError, match="doubts are damaged"):
        Doubts.from_json(text)
