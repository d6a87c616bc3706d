"""Challenges: answered by who hears them, not by a recording made for another one."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.config import parse
from edge.config.seeing import Level, LivenessSection
from edge.errors import ConfigError
from edge.records import Landmarks, Move
from edge.vision.liveness.challenge import INSTRUCTIONS, Challenge, Progress, draw
from edge.vision.liveness.parallax import is_flat, parallax
from edge.vocabulary import TURNS
from tests.support.heads import FLAT, landmarks

FPS = 15
ALL: tuple[Move, ...] = tuple(INSTRUCTIONS)
REST_S, MOVE_S = 0.6, 1.0


def performance(
    moves: Sequence[Move], shape: NDArray[Any] | None = None
) -> Iterator[tuple[float, Landmarks, bool]]:
    """Somebody who does these moves one after the other: stamp, landmarks, whether blinked."""
    t, scale = 0.0, 1.0
    for move in moves:
        blinks = {Move.BLINK_TWICE: 2, Move.BLINK_THRICE: 3}.get(move, 0)
        lasts = 2.2 if blinks else MOVE_S
        approach = 1.3 if move is Move.CLOSER else 1.0
        for i in range(round((REST_S + lasts) * FPS)):
            local = i / FPS - REST_S
            way = float(np.sin(np.pi * np.clip(local / lasts, 0, 1)))
            grown = 1 + (approach - 1) * float(np.clip(local / lasts, 0, 1))
            pose = {Move.LEFT: (-30 * way, 0), Move.RIGHT: (30 * way, 0), Move.UP: (0, 25 * way)}
            yaw, pitch = pose.get(move, (0.0, 0.0))
            blinked = i in {round((REST_S + 0.4 * (k + 1)) * FPS) for k in range(blinks)}
            yield t, landmarks(yaw, pitch, scale * grown, shape=shape), blinked
            t += 1 / FPS
        scale *= approach
    for _ in range(FPS):
        yield t, landmarks(scale=scale), False
        t += 1 / FPS


def always(_points: Landmarks) -> bool:
    return True


def answer(
    asked: Sequence[Move],
    done: Sequence[Move],
    limit_s: float = 60.0,
    compared: Callable[[Landmarks], bool] = always,
) -> Challenge:
    challenge = Challenge(asked, 0.0, limit_s)
    for at, points, blinked in performance(done):
        challenge.observe(at, points, blinked=blinked, compared=compared(points))
    return challenge


@pytest.mark.parametrize("move", ALL)
def test_each_move_answers_itself(move: Move) -> None:
    challenge = answer([move], [move])
    assert challenge.progress is Progress.PASSED, challenge.seen


@pytest.mark.parametrize(
    ("asked", "done"), [(a, d) for a, d in itertools.product(ALL, ALL) if a != d]
)
def test_no_move_answers_another_one(asked: Move, done: Move) -> None:
    assert answer([asked], [done]).progress is not Progress.PASSED


def test_a_row_of_moves_is_followed_in_its_order() -> None:
    moves = [Move.LEFT, Move.BLINK_TWICE, Move.UP, Move.RIGHT, Move.CLOSER, Move.BLINK_THRICE]
    assert answer(moves, moves).progress is Progress.PASSED
    assert answer(moves, moves[::-1]).progress is Progress.FAILED


def test_turns_alone_answer_a_challenge_of_turns() -> None:
    section = LivenessSection(
        level=Level.CHALLENGE,
        challenge_moves=(Move.LEFT, Move.RIGHT, Move.UP, Move.CLOSER),
        challenge_steps=4,
    )
    moves = draw(section)
    assert answer(moves, moves).progress is Progress.PASSED


@pytest.mark.parametrize("move", [Move.LEFT, Move.RIGHT, Move.UP])
def test_a_move_counts_only_where_the_person_is_compared(move: Move) -> None:
    """Else a stranger turns the head between two comparisons of somebody else's picture."""

    def turned(points: Landmarks) -> float:
        return max(abs(points.yaw), abs(points.pitch))

    def passes(compared: Callable[[Landmarks], bool]) -> bool:
        return answer([move], [move], compared=compared).progress is Progress.PASSED

    assert passes(lambda p: turned(p) < 22)
    assert not passes(lambda p: turned(p) < 12), "never at the height of the move"
    assert not passes(lambda p: turned(p) > 12), "never facing the camera"
    assert not passes(lambda _: False)


@pytest.mark.parametrize("move", [Move.LEFT, Move.UP])
def test_the_way_back_is_compared_too(move: Move) -> None:
    """Else a stranger answers, and a picture of somebody else is put in the place of the turned."""
    been: list[bool] = []

    def until_the_move(points: Landmarks) -> bool:
        been.append(max(abs(points.yaw), abs(points.pitch)) > 14)
        return been[-1] or not any(been)

    assert answer([move], [move], compared=until_the_move).progress is not Progress.PASSED


def test_pictures_of_a_turned_head_are_no_turn() -> None:
    """Two pictures of one person, facing and turned: the head is there within a frame."""
    challenge = Challenge([Move.LEFT], 0.0, 10.0)
    for number in range(3 * 30):
        at = number / 30
        challenge.observe(at, landmarks(-25.0 * (1.0 < at < 1.6)), blinked=False, compared=True)
    assert challenge.progress is Progress.FAILED
    assert "jumps" in challenge.seen


def test_the_deadline_is_kept() -> None:
    challenge = answer([Move.LEFT, Move.RIGHT], [Move.LEFT, Move.RIGHT], limit_s=2.0)
    assert challenge.progress is Progress.FAILED
    assert "too slow" in challenge.seen


def test_a_natural_blink_does_not_disturb_a_turn() -> None:
    challenge = Challenge([Move.LEFT], 0.0, 10.0)
    for i, (at, points, _) in enumerate(performance([Move.LEFT])):
        challenge.observe(at, points, blinked=i == 11, compared=True)
    assert challenge.progress is Progress.PASSED


def test_a_flat_face_fails_a_turn_even_if_it_seems_to_turn() -> None:
    front, turned = landmarks(shape=FLAT), landmarks(30, shape=FLAT)
    assert is_flat(front.points[:, :2], turned.points[:, :2])
    challenge = Challenge([Move.LEFT], 0.0, 10.0)
    for at, points, _ in performance([Move.LEFT]):
        flat = landmarks(points.yaw, shape=FLAT)
        pretended = Landmarks(flat.points, 1.0, flat.five, points.yaw, points.pitch, 0.0)
        challenge.observe(at, pretended, blinked=False, compared=True)
    assert challenge.progress is Progress.FAILED
    assert "flat" in challenge.seen


def test_parallax_of_a_plane_is_nothing_and_of_a_head_is_not() -> None:
    for yaw in (16, 25, 35):
        first = landmarks().points[:, :2]
        assert parallax(first, landmarks(yaw).points[:, :2]) > 0.024
        flat = landmarks(shape=FLAT).points[:, :2]
        assert parallax(flat, landmarks(yaw, shape=FLAT).points[:, :2]) < 1e-3


def test_draws_are_even_and_never_repeat_a_move() -> None:
    section = LivenessSection()
    drawn = [draw(section) for _ in range(3000)]
    assert all(a != b for moves in drawn for a, b in itertools.pairwise(moves))
    counts = Counter(drawn)
    kinds = round(1 / section.guess_probability)
    assert len(counts) == kinds == 138
    # Of 3000: chi-squared with 137 degrees of freedom exceeds 207 once in 10,000 series.
    even = 3000 / kinds
    assert sum((n - even) ** 2 / even for n in counts.values()) < 207


def test_every_challenge_has_a_turn_where_there_is_one() -> None:
    """A print with strips for lids that is brought closer answered one in twelve."""
    assert all(TURNS.intersection(draw(LivenessSection())) for _ in range(300))
    flat = (Move.BLINK_TWICE, Move.BLINK_THRICE, Move.CLOSER)
    section = LivenessSection(level=Level.BLINK, challenge_moves=flat)
    assert len(draw(section)) == section.challenge_steps
    assert section.guess_probability == pytest.approx(1 / 12)


def test_replays_pass_no_more_often_than_guessing() -> None:
    """600 recordings of answers to one challenge, each shown to a fresh one."""
    section = LivenessSection(
        level=Level.BLINK, challenge_moves=(Move.LEFT, Move.RIGHT, Move.UP), challenge_steps=2
    )
    passed = expected = 0
    for _ in range(600):
        recorded, fresh = draw(section), draw(section)
        passed += _answers(recorded, fresh)
        expected += recorded == fresh
    assert passed == expected  # exactly those that were drawn twice
    assert section.guess_probability == pytest.approx(1 / 6)
    assert passed < 600 / 6 + 4 * np.sqrt(600 / 6 * 5 / 6)


_ANSWERS: dict[tuple[tuple[Move, ...], tuple[Move, ...]], bool] = {}


def _answers(recorded: tuple[Move, ...], fresh: tuple[Move, ...]) -> bool:
    if (recorded, fresh) not in _ANSWERS:
        passed = answer(fresh, recorded).progress is Progress.PASSED
        _ANSWERS[recorded, fresh] = passed
    return _ANSWERS[recorded, fresh]


@pytest.mark.parametrize(
    ("moves", "steps"),
    [((Move.LEFT, Move.RIGHT), 3), ((Move.LEFT, Move.RIGHT, Move.UP, Move.CLOSER), 3)],
)
def test_settings_that_are_easy_to_guess_are_refused(moves: tuple[Move, ...], steps: int) -> None:
    table = {"level": "challenge", "challenge_moves": list(moves), "challenge_steps": steps}
    with pytest.raises(ConfigError, match="guessed with probability"):
        parse({"liveness": table}, "test.toml")
    parse({"liveness": {**table, "level": "blink"}}, "test.toml")


def test_one_move_alone_is_no_choice() -> None:
    with pytest.raises(ConfigError, match="two different moves"):
        parse({"liveness": {"challenge_moves": ["left", "left"]}}, "test.toml")
