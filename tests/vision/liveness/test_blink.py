"""Blinks in made-up courses of eyelid openings; real clips are measured by `evaluate liveness`."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.records import EyeOpenness
from edge.vision.liveness.blink import Blink, BlinkDetector

OPEN, CLOSED = 0.3, 0.05


def lids(at: float, begins: float, closing: float = 0.08, closed: float = 0.03) -> float:
    """Opening at a time: falls, rests, and rises twice as slowly as it fell."""
    opening = 2 * closing
    points = np.cumsum([begins, closing, closed, opening])
    return float(np.interp(at, points, [OPEN, CLOSED, CLOSED, OPEN]))


def eyes(right: float, left: float) -> EyeOpenness:
    """Both networks agree: open is -4, shut is 5."""
    shut = np.interp([right, left], [CLOSED, OPEN], [5.0, -4.0])
    return EyeOpenness(right, left, float(shut[0]), float(shut[1]))


def stamps(fps: float, seconds: float = 4.0, jitter: float = 0.0, seed: int = 0) -> list[float]:
    rng = np.random.default_rng(seed)
    even = np.arange(0, seconds, 1 / fps)
    return sorted(even + rng.uniform(-jitter, jitter, len(even)) / fps)


def detect(course: list[tuple[float, float, float]]) -> list[Blink]:
    detector = BlinkDetector()
    found = [detector.observe(at, eyes(right, left)) for at, right, left in course]
    return [blink for blink in found if blink is not None]


@pytest.mark.parametrize("fps", [8, 12, 15, 24, 30, 60])
@pytest.mark.parametrize("phase", [0.0, 0.25, 0.5, 0.75])
def test_one_blink_is_found_once_at_any_frame_rate(fps: float, phase: float) -> None:
    begins = 2.0 + phase / fps
    found = detect([(at, lids(at, begins), lids(at, begins)) for at in stamps(fps)])
    assert len(found) == 1
    assert begins - 0.2 < found[0].lowest < begins + 0.4


@given(seed=st.integers(0, 10_000), fps=st.floats(15, 60), begins=st.floats(1.5, 2.5))
@settings(max_examples=25)
def test_uneven_frame_times_hide_no_blink(seed: int, fps: float, begins: float) -> None:
    course = [(at, lids(at, begins), lids(at, begins)) for at in stamps(fps, jitter=0.4, seed=seed)]
    assert len(detect(course)) == 1


@given(seed=st.integers(0, 10_000), noise=st.floats(0, 0.015))
@settings(max_examples=25)
def test_noise_on_open_eyes_is_no_blink(seed: int, noise: float) -> None:
    rng = np.random.default_rng(seed)
    still = OPEN + rng.normal(0, noise, (120, 2))
    assert not detect([(i / 30, float(r), float(v)) for i, (r, v) in enumerate(still)])


def test_a_wink_is_no_blink() -> None:
    assert not detect([(at, lids(at, 2.0), OPEN) for at in stamps(30)])


def test_eyes_closed_for_long_are_no_blink() -> None:
    course = [(at, v := lids(at, 1.0, closed=1.5), v) for at in stamps(30)]
    assert not detect(course)


def test_one_bad_frame_is_no_blink() -> None:
    course = [(i / 60, v := CLOSED if i == 100 else OPEN, v) for i in range(200)]
    assert not detect(course)


def test_a_flutter_of_closed_eyes_is_no_blink() -> None:
    def course(at: float) -> float:
        if at < 1.0:
            return OPEN
        return 0.08 if 2.0 < at < 2.1 else 0.12

    assert not detect([(at, v := course(at), v) for at in stamps(30)])


def test_a_double_blink_counts_twice() -> None:
    course = [(at, v := min(lids(at, 2.0), lids(at, 2.4)), v) for at in stamps(30)]
    assert len(detect(course)) == 2


def test_lids_under_a_fast_turn_are_not_judged() -> None:
    detector = BlinkDetector()
    for at in stamps(30):
        yaw = float(np.interp(at, [2.0, 2.2], [-20, 20]))
        assert detector.observe(at, eyes(lids(at, 2.0), lids(at, 2.0)), yaw) is None


def test_nothing_is_remembered_across_a_reset() -> None:
    detector = BlinkDetector()
    for at in stamps(30):
        if at > 2.1 and at - 1 / 30 <= 2.1:
            detector.reset()
        assert detector.observe(at, eyes(lids(at, 2.0), lids(at, 2.0))) is None
