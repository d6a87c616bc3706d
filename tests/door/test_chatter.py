"""A switch that chatters is counted; nothing of it is lost, and little of it is told."""

from __future__ import annotations

from edge.door.chatter import AT_ONCE, EVERY_S, SWITCHED, Chatter
from edge.records import Reason
from edge.wire.messages import Happened


def times(told: list[Happened]) -> float:
    return sum(float(each.detail.get("times", 1)) for each in told)


def test_a_storm_is_told_by_numbers_and_adds_up() -> None:
    for reason in SWITCHED:
        chatter, told = Chatter(), []
        for number in range(1000):  # 10 s of it
            now = 100 + number / 100
            told += [each for each in (chatter.pass_on(Happened(reason, now), now),) if each]
            told += chatter.late(now)
        assert len(told) <= AT_ONCE + 10 / EVERY_S + 1
        told += chatter.late(200.0)
        assert times(told) == 1000
        assert not list(chatter.late(300.0))


def test_one_now_and_then_is_told_as_it_is() -> None:
    chatter = Chatter()
    for number in range(100):
        pressed = Happened(Reason.REX, 100 + number * EVERY_S, {"blocked": True})
        assert chatter.pass_on(pressed, pressed.at) is pressed


def test_the_lock_is_always_told() -> None:
    chatter = Chatter()
    for reason in (Reason.UNLOCKED, Reason.LOCKED, Reason.FAULT, Reason.HELD_OPEN):
        for number in range(100):
            happened = Happened(reason, 100.0, {"number": float(number)})
            assert chatter.pass_on(happened, 100.0) is happened
