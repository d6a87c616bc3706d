"""A face that does not leave keeps everybody out: the owner is told, and not every few minutes."""

from __future__ import annotations

import pytest

from edge.sight.company import STAYS_S, Company


def told(company: Company, seconds: float, faces: int = 1, begin: float = 0.0) -> list[float]:
    times = (begin + n / 4 for n in range(round(4 * seconds)))
    return [at for at in times if company.see(faces, at)]


def test_a_face_that_stays_is_told_once() -> None:
    company = Company()
    assert told(company, 3 * STAYS_S) == [STAYS_S]
    assert company.stays


def test_it_is_over_once_nobody_is_in_view() -> None:
    company = Company()
    told(company, 2 * STAYS_S)
    assert told(company, 10, faces=0, begin=2 * STAYS_S) == []
    assert not company.stays


def test_people_who_come_and_go_are_none() -> None:
    company, at = Company(), 0.0
    while at < 4 * STAYS_S:
        assert told(company, 60, faces=2, begin=at) == []
        assert told(company, 8, faces=0, begin=at + 60) == []
        at += 68


@pytest.mark.parametrize("faces", [1, 2])
def test_a_picture_that_is_not_found_for_a_moment_stays(faces: int) -> None:
    company, at, heard = Company(), 0.0, []
    while at < 2 * STAYS_S:
        heard += told(company, 20, faces, begin=at)
        heard += told(company, 3, faces=0, begin=at + 20)
        at += 23
    assert len(heard) == 1


def test_where_people_pass_all_day_the_record_is_not_filled() -> None:
    company, heard = Company(), []
    for number in range(10):
        heard += told(company, STAYS_S + 60, begin=number * (STAYS_S + 90))
    assert len(heard) == 2
