"""A sight that is silent or crashes in a loop is not online."""

from __future__ import annotations

from edge.link.presence import LOOP_S, LOOPS, SILENT_S, STEADY_S, Presence


def test_it_may_take_its_time_to_start_and_to_be_restarted() -> None:
    presence = Presence(0.0)
    assert presence.see(answers=False, at=SILENT_S - 1)
    assert presence.see(answers=True, at=SILENT_S)
    assert presence.see(answers=False, at=500.0)
    assert presence.see(answers=True, at=500.0 + SILENT_S - 1)


def test_silence_is_not_online_until_it_answers_steadily() -> None:
    presence = Presence(0.0)
    assert not presence.see(answers=False, at=SILENT_S + 1)
    assert not presence.see(answers=True, at=100.0)
    assert not presence.see(answers=True, at=100.0 + STEADY_S - 1)
    assert presence.see(answers=True, at=100.0 + STEADY_S)


def test_a_loop_of_crashes_is_not_online_though_it_answers_between() -> None:
    presence = Presence(0.0)
    online = [
        presence.see(answers=answers, at=5.0 * step)
        for step, answers in enumerate([True, False] * (LOOPS + 1))
    ]
    assert online[0]
    assert not online[-1]
    at = 5.0 * len(online)
    presence.see(answers=True, at=at)
    assert not presence.see(answers=True, at=at + STEADY_S)  # the losses are too near still
    assert presence.see(answers=True, at=at + LOOP_S)
