"""Proof of life of a made-up face: what counts, and what starts it again."""

from collections.abc import Callable, Iterator
from itertools import groupby

import numpy as np
import pytest

from edge.config.seeing import Level, LivenessSection
from edge.records import AlignedFace, EyeOpenness, Hint, Liveness, LivenessState, Move, Regard
from edge.vision.faces.aligner import grey_of
from edge.vision.liveness.continuity import SQUINTED, patch_of
from edge.vision.liveness.monitor import LivenessMonitor
from edge.vision.liveness.sample import Sample
from tests.support.heads import blinking, landmarks, lids, patch, skin
from tests.vision.liveness.test_challenge import performance

FPS = 30


def sample(  # noqa: PLR0913 - a face has many sides
    t: float,
    level: float = 1.0,
    *,
    track: int = 1,
    face: AlignedFace | None = None,
    eyes: EyeOpenness | None = None,
    sway: float = 0.0,
    tall: float = 1.0,
    hint: Hint = Hint.NONE,
    compared: bool = True,
    repeated: bool = False,
) -> Sample:
    points = landmarks(at=(160 + sway, 120.0))
    points.points[:, 1] *= tall
    shown, lidded = patch_of(grey_of(face or skin(t))), eyes or lids(level)
    return Sample(t, track, points, shown, lidded, hint=hint, compared=compared, repeated=repeated)


def stamps(seconds: float, fps: float = FPS) -> Iterator[float]:
    return (i / fps for i in range(round(seconds * fps)))


def watch(samples: Iterator[Sample], level: Level = Level.BLINK) -> list[Liveness]:
    monitor = LivenessMonitor(LivenessSection(level=level))
    return [monitor.observe(one) for one in samples]


def ever_live(verdicts: list[Liveness]) -> bool:
    return any(v.state is LivenessState.LIVE for v in verdicts)


@pytest.mark.parametrize("fps", [10, 12, 15, 24, 30, 60])
def test_a_blink_makes_a_face_live(fps: float) -> None:
    verdicts = watch(sample(t, blinking(t, 1.52)) for t in stamps(3, fps))
    assert [v.state for v in verdicts[: int(1.5 * fps)]] == [LivenessState.PENDING] * int(1.5 * fps)
    assert verdicts[-1].state is LivenessState.LIVE
    assert verdicts[-1].blinks == 1


def swift(t: float) -> float:
    """Lid level of a blink that a camera sees but a few pictures of."""
    return float(np.interp(t - 1.51, [0, 0.06, 0.12, 0.2], [1, 0, 0, 1]))


@pytest.mark.parametrize("copies", [1, 2, 3])
def test_who_blinks_lives_though_the_camera_sends_pictures_again(copies: int) -> None:
    """Lids that rest for a frame and go further on the next would seem to jump."""
    of_one = [(i // copies / 20, i % copies > 0) for i in range(60 * copies)]
    verdicts = watch(
        sample(i / copies / 20, swift(t), face=skin(t), repeated=again)
        for i, (t, again) in enumerate(of_one)
    )
    assert verdicts[-1].state is LivenessState.LIVE


@pytest.mark.parametrize("bunch", [1, 2, 3])
def test_who_blinks_lives_though_pictures_come_in_bunches(bunch: int) -> None:
    """As over a network: several at once, and then none for a while."""
    stamped = [(i // bunch * bunch + bunch * (i % bunch) / 50) / FPS for i in range(3 * FPS)]
    verdicts = watch(sample(at, swift(i / FPS), face=skin(i / FPS)) for i, at in enumerate(stamped))
    assert verdicts[-1].state is LivenessState.LIVE


def test_life_goes_stale() -> None:
    verdicts = watch(sample(t, blinking(t, 1.0)) for t in stamps(8))
    assert verdicts[FPS * 2].state is LivenessState.LIVE
    assert verdicts[-1].state is LivenessState.PENDING


def test_no_blink_no_life() -> None:
    assert not ever_live(watch(sample(t) for t in stamps(5)))


@pytest.mark.parametrize("rate", [1, 3, 7, 13, 30])
@pytest.mark.parametrize("fps", [12, 30])
@pytest.mark.parametrize("sway", [0.0, 8.0])
def test_two_pictures_in_turn_are_not_alive(rate: float, fps: float, sway: float) -> None:
    """Eyes open and shut, the rest of the face nearly the same, held still or in a hand."""

    def show(t: float) -> Sample:
        shut = int(t * rate) % 2
        noise = np.random.default_rng(round(t * 1000)).normal(0, 0.03)
        face = skin(t, living=0.0)
        return sample(t, 1.0 - shut + noise, face=face, sway=sway * float(np.sin(3 * t)))

    assert not ever_live(watch(show(t) for t in stamps(4, fps)))


@pytest.mark.parametrize("fade_s", [0.5, 0.8, 1.5, 3.0])
def test_a_slow_fade_is_not_alive(fade_s: float) -> None:
    def show(t: float) -> Sample:
        level = 0.5 + 0.5 * float(np.cos(np.pi * t / fade_s))
        return sample(t, level, face=skin(t, living=0.0), sway=8 * float(np.sin(3 * t)))

    assert not ever_live(watch(show(t) for t in stamps(4)))


def test_a_still_face_whose_lids_alone_move_is_not_alive() -> None:
    frozen = skin(0.0)
    verdicts = watch(sample(t, blinking(t, 1.5), face=frozen) for t in stamps(3))
    assert not ever_live(verdicts)
    assert verdicts[-1].seen == "nothing but the eyelids moves"


@pytest.mark.parametrize(
    ("deep", "seen"), [(1.0, "the whole face changes with the eyelids"), (1.1, SQUINTED)]
)
def test_a_face_that_changes_with_its_lids_and_comes_back_is_not_alive(
    deep: float, seen: str
) -> None:
    """Lids that fall further than printed ones make a squint of it, which proves nothing either."""
    opened, shut = skin(0.0), skin(0.0, seed=1)

    def show(t: float) -> Sample:
        level = blinking(t, 1.5)
        mixed = level * opened.pixels.astype(float) + (1 - level) * shut.pixels
        noise = np.random.default_rng(round(t * 1000)).normal(0, 2, (112, 112, 1))
        face = np.clip(0.75 * opened.pixels + 0.25 * mixed + noise, 0, 255).astype(np.uint8)
        lids_at = 1 - deep * (1 - level)
        return sample(t, lids_at, face=AlignedFace(face), sway=8 * float(np.sin(3 * t)))

    verdicts = watch(show(t) for t in stamps(3))
    assert not ever_live(verdicts)
    assert verdicts[-1].seen == seen


def test_a_picture_tilted_away_and_back_is_not_alive() -> None:
    verdicts = watch(
        sample(t, level := blinking(t, 1.5), tall=0.7 + 0.3 * level) for t in stamps(3)
    )
    assert not ever_live(verdicts)
    assert verdicts[-1].seen == "the whole face is tilted away with the eyelids"


@pytest.mark.parametrize(("reach", "seen"), [(4.0, ""), (40.0, "the face moves too fast")])
def test_a_blink_of_a_face_that_is_waved_about_proves_nothing(reach: float, seen: str) -> None:
    """At two sways a second: a smeared picture of open eyes looks shut."""
    verdicts = watch(
        sample(t, blinking(t, 1.5), sway=reach * float(np.sin(4 * np.pi * t))) for t in stamps(3)
    )
    assert ever_live(verdicts) is not bool(seen)
    assert verdicts[-1].seen.startswith(seen)


def turning(t: float, begins: float, lasts: float = 0.3) -> AlignedFace:
    """A face that becomes another view of itself, step by step."""
    share = float(np.clip((t - begins) / lasts, 0, 1))
    before, after = skin(t), skin(t, seed=1)
    mixed = (1 - 0.4 * share) * before.pixels.astype(float) + 0.4 * share * after.pixels
    return AlignedFace(mixed.astype(np.uint8))


def jumping(t: float, begins: float) -> float:
    """A blink that falls and rises within a frame each."""
    return float(not begins <= t < begins + 0.1)


def restless(t: float, begins: float) -> float:
    """Lids that are half down before the blink."""
    return min(blinking(t, begins), 0.65 + 0.35 * blinking(t, begins - 0.4))


@pytest.mark.parametrize("lids_of", [jumping, restless])
def test_a_head_that_turns_while_it_blinks_is_alive(lids_of: Callable[..., float]) -> None:
    """Lids that jump or do not rest are held against pictures, and no picture turns like that."""
    held = watch(sample(t, lids_of(t, 1.5)) for t in stamps(3))
    turned = watch(sample(t, lids_of(t, 1.5), face=turning(t, 1.4)) for t in stamps(3))
    assert not ever_live(held)
    assert ever_live(turned)


def test_three_pictures_one_after_another_are_not_alive() -> None:
    """Afterwards the face is another one, but it got there at once."""
    views = [skin(0.0), turning(1.0, 0.0), turning(0.5, 0.0, 1.0)]

    def show(t: float) -> Sample:
        number = int(np.searchsorted([1.5, 1.6], t, side="right"))
        noise = np.random.default_rng(round(t * 1000)).normal(0, 2, (112, 112, 1))
        face = np.clip(views[number].pixels + noise, 0, 255).astype(np.uint8)
        return sample(t, jumping(t, 1.5), face=AlignedFace(face), sway=8 * float(np.sin(3 * t)))

    verdicts = watch(show(t) for t in stamps(3))
    assert not ever_live(verdicts)
    assert verdicts[-1].seen == "the eyelids jump as if one picture replaced another"


def test_lids_of_a_long_blink_move_in_many_steps() -> None:
    """Paper that is pulled down sticks, and then jumps."""

    def level(t: float, jump: float) -> float:
        falls, rises = (1 - jump) / 2, (1 - jump) / 2
        course = [1, 1 - falls, falls, 0, 0, rises, 1 - rises, 1]
        return float(np.interp(t - 1.5, [0, 0.1, 0.11, 0.15, 0.2, 0.24, 0.25, 0.35], course))

    assert ever_live(watch(sample(t, level(t, 0.4)) for t in stamps(3)))
    assert not ever_live(watch(sample(t, level(t, 0.8)) for t in stamps(3)))


def test_eyes_pulled_up_and_down_are_not_alive() -> None:
    verdicts = watch(sample(t, 0.5 + 0.5 * float(np.cos(15 * t))) for t in stamps(5))
    assert not ever_live(verdicts)


def test_a_blink_of_the_face_before_does_not_count() -> None:
    def show(t: float) -> Sample:
        return sample(t, blinking(t, 1.5), track=1 if t < 2.2 else 2)

    verdicts = watch(show(t) for t in stamps(4))
    assert verdicts[int(2.1 * FPS)].state is LivenessState.LIVE
    assert verdicts[int(2.3 * FPS)].state is LivenessState.PENDING
    assert verdicts[int(2.3 * FPS)].blinks == 0


def test_another_picture_starts_again() -> None:
    def show(t: float) -> Sample:
        return sample(t, blinking(t, 1.5), face=skin(t, seed=0 if t < 2.2 else 40))

    verdicts = watch(show(t) for t in stamps(4))
    assert verdicts[int(2.1 * FPS)].state is LivenessState.LIVE
    assert verdicts[int(2.3 * FPS)].state is LivenessState.PENDING
    assert verdicts[int(2.3 * FPS)].seen == "the picture jumped"


def test_a_gap_starts_again() -> None:
    verdicts = watch(sample(t, blinking(t, 1.5)) for t in stamps(4) if not 2.0 < t < 2.5)
    assert verdicts[int(1.95 * FPS)].state is LivenessState.LIVE
    assert verdicts[-1].state is LivenessState.PENDING


def test_a_blink_across_a_gap_does_not_count() -> None:
    assert not ever_live(
        watch(sample(t, blinking(t, 1.5)) for t in stamps(4) if not 1.52 < t < 1.78)
    )


@pytest.mark.parametrize("fps", [2, 3, 4])
def test_too_few_frames_are_not_alive(fps: float) -> None:
    assert not ever_live(watch(sample(t, blinking(t % 2, 1.0)) for t in stamps(10, fps)))


def perform(
    moves: tuple[Move, ...], asked: tuple[Move, ...], level: Level, hint: Hint = Hint.NONE
) -> list[Liveness]:
    section = LivenessSection(level=level, challenge_s=60)
    monitor = LivenessMonitor(section, draw_moves=lambda _section: asked)
    verdicts = []
    for at, points, _ in performance(moves):
        shown = Sample(at, 1, points, patch(at), lids(1.0), hint=hint, compared=True)
        verdicts.append(monitor.observe(shown))
    return verdicts


def test_a_challenge_is_asked_for_and_answered() -> None:
    verdicts = perform((Move.LEFT, Move.UP), (Move.LEFT, Move.UP), Level.CHALLENGE)
    assert verdicts[0].instruction == "turn your head to your left, then back"
    assert verdicts[0].move is Move.LEFT
    assert verdicts[-1].state is LivenessState.LIVE
    assert verdicts[-1].instruction == ""


def test_of_whom_the_door_is_wary_it_asks_a_challenge() -> None:
    for wary, moves in ((True, [None, Move.LEFT]), (False, [None])):
        section = LivenessSection(level=Level.AUTO)
        monitor = LivenessMonitor(section, draw_moves=lambda _section: (Move.LEFT,))
        monitor.regard = Regard(wary=wary)
        seen = [monitor.observe(sample(t, blinking(t, 1.5), compared=t > 0.5)) for t in stamps(3)]
        assert [move for move, _ in groupby(v.move for v in seen)] == moves
        assert not any(verdict.answered for verdict in seen)
        assert not any(verdict.doubted for verdict in seen)


@pytest.mark.parametrize("level", [Level.AUTO, Level.CHALLENGE])
def test_of_whom_the_door_is_wary_it_asks_more(level: Level) -> None:
    """A film that goes on all day answers a short challenge by chance."""
    section, drawn = LivenessSection(level=level), list[LivenessSection]()

    def draw(asked: LivenessSection) -> tuple[Move, ...]:
        drawn.append(asked)
        return (Move.LEFT,)

    monitor = LivenessMonitor(section, draw_moves=draw)
    monitor.regard = Regard(wary=True, longer=True)
    monitor.observe(sample(0.0))
    (asked,) = drawn
    assert asked.guess_probability < section.guess_probability / 25
    assert asked.challenge_s / asked.challenge_steps == pytest.approx(
        section.challenge_s / section.challenge_steps
    )


def test_what_a_challenge_proved_is_told_apart_from_a_blink() -> None:
    assert perform((Move.LEFT, Move.UP), (Move.LEFT, Move.UP), Level.CHALLENGE)[-1].answered
    assert not watch(sample(t, blinking(t, 1.52)) for t in stamps(3))[-1].answered


def test_nobody_hears_what_would_be_asked_before_they_were_compared() -> None:
    shown = [sample(t, compared=t > 1.0) for t in stamps(1.5)]
    verdicts = watch(iter(shown), Level.CHALLENGE)
    assert [bool(v.instruction) for v in verdicts] == [one.compared for one in shown]
    assert [v.compare for v in verdicts[:10]] == [True] * 10


def test_who_may_not_hear_it_yet_is_asked_nothing() -> None:
    monitor = LivenessMonitor(LivenessSection(level=Level.CHALLENGE))
    for t in stamps(2):
        monitor.regard = Regard(hears=t > 1)
        verdict = monitor.observe(sample(t))
        assert bool(verdict.instruction) is (t > 1)
        assert not verdict.compare or t > 1


@pytest.mark.parametrize(
    ("move", "times"), [(Move.BLINK_TWICE, 2), (Move.BLINK_THRICE, 3), (Move.BLINK_THRICE, 2)]
)
@pytest.mark.parametrize("apart_s", [0.35, 0.5, 0.65, 0.9])
@pytest.mark.parametrize("slower", [1.0, 1.5])
def test_who_blinks_as_often_as_asked_has_answered(
    move: Move, times: int, apart_s: float, slower: float
) -> None:
    """The second of two in quick succession, and slow ones, prove nothing alone; they count."""
    monitor = LivenessMonitor(
        LivenessSection(level=Level.CHALLENGE), draw_moves=lambda _section: (move,)
    )
    apart_s *= slower
    answered = False
    for t in stamps(8):
        level = min(blinking((t - 1.5 - apart_s * n) / slower, 0.0) for n in range(times))
        answered |= monitor.observe(sample(t, level, sway=6 * float(np.sin(2.2 * t)))).answered
    asked = {Move.BLINK_TWICE: 2, Move.BLINK_THRICE: 3}[move]
    assert answered is (times == asked)


def test_every_challenge_has_a_number_of_its_own() -> None:
    """Whoever withdraws one frame in the dark gets another one, which can be counted."""
    monitor = LivenessMonitor(LivenessSection(level=Level.CHALLENGE))
    hints = [Hint.NONE, Hint.NONE, Hint.MORE_LIGHT, Hint.NONE, Hint.NONE]
    shown = [sample(n / FPS, hint=h, compared=h is Hint.NONE) for n, h in enumerate(hints)]
    assert [monitor.observe(one).challenge for one in shown] == [1, 1, 0, 2, 2]


def test_who_is_too_dark_to_be_compared_answers_no_challenge() -> None:
    moves = (Move.LEFT, Move.UP)
    assert ever_live(perform(moves, moves, Level.CHALLENGE, Hint.FACE_CAMERA))
    assert not ever_live(perform(moves, moves, Level.CHALLENGE, Hint.MORE_LIGHT))


def test_a_blink_of_whom_nobody_compared_proves_nothing() -> None:
    at = list(stamps(4))

    def blinks(
        compared: Callable[[float], bool], dark: Callable[[float], bool] = lambda _: False
    ) -> bool:
        hint = (Hint.NONE, Hint.MORE_LIGHT)
        shown = (sample(t, blinking(t, 1.5), hint=hint[dark(t)], compared=compared(t)) for t in at)
        return ever_live(watch(shown))

    assert blinks(lambda t: 1.55 < t < 1.7 or t > 1.9), "during it and soon after"
    assert not blinks(lambda t: t < 1.7), "not after it"
    assert not blinks(lambda t: t < 1.5 or t > 1.8), "not during it"
    assert not blinks(lambda t: 1.55 < t < 1.7 or t > 2.3), "too long after it"
    assert not blinks(lambda _: True, dark=lambda t: t < 1.65)


def test_a_wrong_answer_fails_and_another_challenge_follows() -> None:
    verdicts = perform(
        (Move.RIGHT, Move.UP, Move.UP, Move.UP, Move.UP), (Move.LEFT, Move.UP), Level.CHALLENGE
    )
    states = [v.state for v in verdicts]
    assert LivenessState.FAILED in states
    assert LivenessState.LIVE not in states
    assert states[-1] is LivenessState.PENDING or verdicts[-1].instruction


def test_both_asks_only_after_a_blink() -> None:
    asked: list[tuple[Move, ...]] = []

    def drawn(_section: LivenessSection) -> tuple[Move, ...]:
        asked.append((Move.LEFT,))
        return asked[-1]

    monitor = LivenessMonitor(LivenessSection(level=Level.BOTH), draw_moves=drawn)
    for t in stamps(1.2):
        monitor.observe(sample(t, blinking(t, 1.5)))
    assert not asked
    for t in stamps(2.4):
        last = monitor.observe(sample(1.2 + t, blinking(1.2 + t, 1.5)))
    assert asked
    assert last.state is LivenessState.PENDING
    assert last.move is Move.LEFT


@pytest.mark.parametrize("change", [lambda m: m.reset()])
def test_a_reset_forgets_everything(change: Callable[[LivenessMonitor], None]) -> None:
    monitor = LivenessMonitor(LivenessSection(level=Level.BLINK))
    for t in stamps(2.5):
        last = monitor.observe(sample(t, blinking(t, 1.5)))
    assert last.state is LivenessState.LIVE
    change(monitor)
    assert monitor.observe(sample(2.5)).state is LivenessState.PENDING
