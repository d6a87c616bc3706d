"""What passive checks add up to, and what a proof of life makes of it at `auto`."""

from __future__ import annotations

import numpy as np
import pytest

from edge.config.seeing import Level, LivenessSection
from edge.records import Liveness, LivenessState, Move, Opinion
from edge.vision.liveness.continuity import TOO_LITTLE
from edge.vision.liveness.doubt import Doubt
from edge.vision.liveness.limits import (
    AVERAGED_S,
    DOUBT_ABOVE,
    LONG_S,
    MIN_LOOKS,
    NEAR_ABOVE,
    NEAR_WATCHED_S,
)
from edge.vision.liveness.monitor import DOUBTED, LivenessMonitor
from edge.vision.liveness.sample import Sample
from tests.support.heads import blinking, landmarks, lids, patch
from tests.vision.liveness.test_challenge import performance

FPS = 30
LOOK_EVERY = 8  # frames
LOOK_S = 0.25


def said(value: float) -> tuple[Opinion, ...]:
    """So far beyond the limit."""
    return (Opinion("recapture", DOUBT_ABOVE + value),)


def doubt_of(*votes: tuple[float, float]) -> Doubt:
    doubt = Doubt()
    for at, value in votes:
        doubt.add(at, said(value))
    return doubt


def test_the_mean_of_the_last_seconds_counts() -> None:
    newer = [(AVERAGED_S - 0.1 * number, 1.0) for number in range(MIN_LOOKS)][::-1]
    assert not doubt_of((0.0, -9.0), *newer).against
    assert doubt_of((0.0, -9.0), *newer, (0.1 + AVERAGED_S, 1.0)).against


@pytest.mark.parametrize("every_s", [0.25, 0.5, 0.54, 0.6, 1.0])
def test_a_board_that_looks_seldom_comes_to_an_end(every_s: float) -> None:
    """Boards that had no time for a look on most frames had too few within the seconds, always."""
    for value in (-9.0, 1.0):
        votes = [(every_s * number, value) for number in range(20)]
        settled = [doubt_of(*votes[: number + 1]).settled for number in range(20)]
        assert settled == [number + 1 >= MIN_LOOKS for number in range(20)]
        assert doubt_of(*votes).against is (value > 0)


def test_too_few_looks_say_nothing() -> None:
    for value in (-9.0, 1.0):
        votes = [(0.25 * number, value) for number in range(MIN_LOOKS)]
        assert not Doubt().settled
        assert not doubt_of(*votes[:-1]).settled
        assert doubt_of(*votes).settled


def test_a_face_that_is_nearly_doubted_is_watched_for_longer() -> None:
    near = (NEAR_ABOVE - DOUBT_ABOVE) / 2
    for value, enough_s in ((near, NEAR_WATCHED_S), (near - 2.0, LOOK_S * (MIN_LOOKS - 1))):
        times = [LOOK_S * number for number in range(20)]
        settled = [doubt_of(*((at, value) for at in times[: n + 1])).settled for n in range(20)]
        assert settled == [at >= enough_s for at in times]
    doubt = doubt_of(*((LOOK_S * number, near) for number in range(20)))
    doubt.clear()
    for number in range(MIN_LOOKS):
        doubt.add(9 + LOOK_S * number, said(near))
    assert not doubt.settled  # it was another face that was watched


def test_checks_add_up_and_each_has_to_have_looked() -> None:
    doubt = doubt_of(*((0.25 * number, 1.0) for number in range(MIN_LOOKS)))
    doubt.add(1.0, (Opinion("motion", -3.0),))
    assert not doubt.against
    assert not doubt.settled
    doubt.clear()
    assert not doubt.settled


def visit(against: float | None, level: Level = Level.AUTO, *, asks: bool = True) -> list[Liveness]:
    """Somebody blinks at 1.5 s, and the passive check says this of every look."""
    monitor = LivenessMonitor(
        LivenessSection(level=level), draw_moves=lambda _section: (Move.LEFT, Move.UP), asks=asks
    )
    samples = (
        Sample(
            t,
            1,
            landmarks(),
            patch(t),
            lids(blinking(t, 1.5)),
            said(against) if against is not None and number % LOOK_EVERY == 0 else (),
            compared=True,
        )
        for number, t in enumerate(np.arange(0, 4, 1 / FPS))
    )
    return [monitor.observe(sample) for sample in samples]


def test_a_blink_does_where_nothing_speaks_against_the_picture() -> None:
    verdicts = visit(-1.0)
    assert verdicts[-1].state is LivenessState.LIVE
    assert not any(verdict.doubted or verdict.instruction for verdict in verdicts)


def test_a_doubtful_face_is_asked_for_more_at_once() -> None:
    verdicts = visit(1.0)
    assert not any(verdict.state is LivenessState.LIVE for verdict in verdicts)
    first = next(verdict for verdict in verdicts if verdict.doubted)
    assert first.blinks == 0
    assert first.move is Move.LEFT
    assert verdicts[-1].instruction == "turn your head to your left, then back"


def test_doubt_is_a_denial_where_nothing_can_be_asked() -> None:
    verdicts = visit(1.0, asks=False)
    assert not any(verdict.state is LivenessState.LIVE for verdict in verdicts)
    assert verdicts[-1].state is LivenessState.FAILED
    assert verdicts[-1].seen == DOUBTED
    assert not any(verdict.instruction for verdict in verdicts)


def test_what_nobody_looked_at_is_not_alive() -> None:
    assert not any(verdict.state is LivenessState.LIVE for verdict in visit(None))


def test_at_blink_nobody_doubts() -> None:
    assert visit(1.0, Level.BLINK)[-1].state is LivenessState.LIVE


def test_who_is_doubted_and_answers_is_alive() -> None:
    monitor = LivenessMonitor(
        LivenessSection(challenge_s=60), draw_moves=lambda _section: (Move.LEFT, Move.UP)
    )
    for number, t in enumerate(np.arange(0, 2.2, 1 / FPS)):
        votes = said(2.0) if number % LOOK_EVERY == 0 else ()
        face = landmarks()
        monitor.observe(Sample(t, 1, face, patch(t), lids(blinking(t, 1.5)), votes, compared=True))
    for at, points, _ in performance((Move.LEFT, Move.UP)):
        last = monitor.observe(
            Sample(2.2 + at, 1, points, patch(2.2 + at), lids(1.0), said(2.0), compared=True)
        )
    assert last.state is LivenessState.LIVE
    assert last.seen == "answered the challenge"


def test_doubt_once_raised_stays_with_the_face() -> None:
    """An attacker may not wait for a better moment; another face begins anew."""
    monitor = LivenessMonitor(LivenessSection(), draw_moves=lambda _section: (Move.LEFT, Move.UP))

    def show(t: float, against: float, track: int) -> Liveness:
        shut = min(blinking(t, 1.5), blinking(t, 6.0), blinking(t, 9.0))
        return monitor.observe(
            Sample(t, track, landmarks(), patch(t), lids(shut), said(against), compared=True)
        )

    verdicts = [
        show(t, 1.0 if t < 3 else -5.0, 1 if t < 7.5 else 2) for t in np.arange(0, 10, 1 / FPS)
    ]
    states = [verdict.state for verdict in verdicts]
    assert LivenessState.LIVE not in states[: int(7.4 * FPS)]
    assert states[-1] is LivenessState.LIVE


def test_doubt_outlives_a_picture_that_jumps() -> None:
    """Or an attacker would cut the film until it looks well."""
    monitor = LivenessMonitor(LivenessSection(), draw_moves=lambda _section: (Move.LEFT, Move.UP))

    def show(t: float) -> Liveness:
        face = patch(t, seed=0 if t < 2 else 40)
        against = 1.0 if t < 2 else -5.0
        return monitor.observe(
            Sample(t, 1, landmarks(), face, lids(blinking(t, 4.0)), said(against), compared=True)
        )

    verdicts = [show(t) for t in np.arange(0, 5, 1 / FPS)]
    assert not any(verdict.state is LivenessState.LIVE for verdict in verdicts)
    assert verdicts[-1].doubted


@pytest.mark.parametrize("soft", [1, 2])
def test_who_blinks_and_cannot_be_believed_is_told_what_to_do(soft: int) -> None:
    """Lids that never rest before a blink prove nothing; after two such blinks a challenge does."""
    monitor = LivenessMonitor(LivenessSection(), draw_moves=lambda _section: (Move.LEFT, Move.UP))
    blinks = [1.5 + 1.5 * number for number in range(soft)]

    def level(t: float) -> float:
        restless = [0.65 + 0.35 * blinking(t, blink - 0.4) for blink in blinks]
        return min(*restless, *(blinking(t, blink) for blink in blinks))

    verdicts = [
        monitor.observe(
            Sample(t, 1, landmarks(), patch(t), lids(level(t)), said(-1.0), compared=True)
        )
        for t in np.arange(0, 5, 1 / FPS)
    ]
    assert any(verdict.instruction for verdict in verdicts) is (soft > 1)


def test_who_has_proved_life_is_not_asked_for_an_earlier_blink() -> None:
    """Whoever is recognised late only has to blink again."""
    monitor = LivenessMonitor(LivenessSection())

    def level(t: float) -> float:
        restless = 0.65 + 0.35 * blinking(t, 1.1)
        return min(restless, blinking(t, 1.5), blinking(t, 3.5))

    verdicts = [
        monitor.observe(
            Sample(t, 1, landmarks(), patch(t), lids(level(t)), said(-5.0), compared=True)
        )
        for t in np.arange(0, LONG_S + 5, 1 / FPS)
    ]
    assert any(verdict.state is LivenessState.LIVE for verdict in verdicts)
    assert verdicts[-1].state is LivenessState.PENDING
    assert not any(verdict.instruction for verdict in verdicts)


def test_whoever_was_long_in_view_is_told_what_to_do_after_one_such_blink() -> None:
    """Also where turning away has broken the track: a head that is lifted blinks as it comes."""
    for begins, told in ((1.5, False), (LONG_S + 0.5, True)):
        monitor = LivenessMonitor(LivenessSection())
        verdicts = [
            monitor.observe(
                Sample(
                    t,
                    1 if t < begins + 0.5 else 2,
                    landmarks(),
                    patch(t),
                    lids(blinking(t, begins)),
                    said(-1.0),
                    compared=not begins - 0.2 < t < begins + 0.4,
                )
            )
            for t in np.arange(0, begins + 1.5, 1 / FPS)
        ]
        assert any(verdict.blink for verdict in verdicts)
        assert bool(verdicts[-1].instruction) is told


def held_still(first: float, level: Level = Level.AUTO) -> list[Liveness]:
    """A blink so deep while nothing else moves, and later one of a face that lives."""
    monitor = LivenessMonitor(
        LivenessSection(level=level), draw_moves=lambda _section: (Move.LEFT, Move.UP)
    )
    return [
        monitor.observe(
            Sample(
                t,
                1,
                landmarks(),
                patch(t if t > 3 else 0.0),
                lids(min(1 - first + first * blinking(t, 1.5), blinking(t, 5.0))),
                said(-5.0),
                compared=True,
            )
        )
        for t in np.arange(0, 5.8, 1 / FPS)
    ]


def test_a_blink_like_two_pictures_is_asked_for_more_at_once() -> None:
    verdicts = held_still(first=1.0)
    assert verdicts[3 * FPS].instruction
    assert verdicts[3 * FPS].doubted


def test_pictures_get_no_second_blink() -> None:
    """Strips of paper pulled often enough look like lids once: what was seen before stays."""
    assert not any(verdict.state is LivenessState.LIVE for verdict in held_still(first=1.0))


def test_at_blink_another_blink_is_waited_for() -> None:
    verdicts = held_still(first=1.0, level=Level.BLINK)
    assert not any(verdict.doubted or verdict.instruction for verdict in verdicts)
    assert verdicts[-1].state is LivenessState.LIVE


def test_half_a_blink_of_who_holds_still_says_nothing_against_the_next_one() -> None:
    verdicts = held_still(first=0.6)
    seen = [verdict.seen for verdict in verdicts]
    assert TOO_LITTLE in seen
    assert not any(verdict.instruction or verdict.doubted for verdict in verdicts)
    assert verdicts[-1].state is LivenessState.LIVE
