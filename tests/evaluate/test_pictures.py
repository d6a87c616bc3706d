"""Attacks made by software, shown to the whole pipeline: none of them may be taken for alive."""

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edge.config import Config
from edge.evaluate import attacks
from edge.evaluate.clips import read_clips, sampled
from edge.evaluate.liveness import fooled, sitter_of
from edge.ops.demo.animate import Appearance, Portrait, Stage
from edge.records import Frame, LivenessState
from edge.vision.pipeline import Pipeline
from edge.vision.stages import Stages

CLIPS = Path(__file__).parents[3] / "shared" / "data" / "clips" / "clips.csv"
SEED = 11
CONFIG = Config()


@pytest.fixture(scope="module")
def people(stages: Stages) -> list[attacks.Sitter]:
    if not CLIPS.exists():
        pytest.skip(f"needs labelled clips at {CLIPS}")
    sitters = [sitter_of(stages, clip) for clip in read_clips(CLIPS)]
    return [sitter for sitter in sitters if sitter is not None]


def opened(
    stages: Stages, family: str, sitters: Sequence[attacks.Sitter], count: int
) -> list[tuple[int, str]]:
    """Number and species of those that were taken for alive."""
    shown = attacks.presentations(attacks.FAMILIES[family], sitters, range(count), SEED)
    return [(n, p.species) for n, p in enumerate(shown) if fooled(stages, CONFIG, p)]


def test_the_sitter_really_blinks(stages: Stages, eileen: Portrait) -> None:
    """The same portrait, animated smoothly, is accepted: what follows is refused for a reason."""
    stage = Stage((320, 320), 30, 130, SEED)
    frames: Iterator[NDArray[Any]] = stage.play(eileen, Appearance(2.5, (1.2,)))
    pipeline = Pipeline(stages, CONFIG)
    verdicts = [pipeline.step(Frame(pixels, n / 30, n)).liveness for n, pixels in enumerate(frames)]
    assert verdicts[-1].state is LivenessState.LIVE


@pytest.mark.parametrize(("family", "count"), [("prints", 5), ("alternations", 3), ("stills", 4)])
def test_a_few_attacks(stages: Stages, sitter: attacks.Sitter, family: str, count: int) -> None:
    assert opened(stages, family, [sitter], count) == []


def test_a_film_on_a_screen_keeps_its_face(stages: Stages, sitter: attacks.Sitter) -> None:
    """It is seen and judged like a face: what refuses it later is not a picture beyond reading."""
    seen = 0
    for presentation in attacks.presentations(
        attacks.FAMILIES["screens"], [sitter], range(4), SEED
    ):
        frames = sampled(itertools.islice(presentation.frames, 5), presentation.fps, None)
        seen += sum(len(stages.detector.detect(frame)) == 1 for frame in frames)
    assert seen > 15


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(
    ("family", "count"), [("prints", 900), ("alternations", 300), ("stills", 200)]
)
def test_many_attacks(
    stages: Stages, people: list[attacks.Sitter], family: str, count: int
) -> None:
    assert opened(stages, family, people, count) == []


def test_attacks_are_the_same_for_one_seed(sitter: attacks.Sitter) -> None:
    def first_frames(numbers: range) -> dict[int, NDArray[Any]]:
        made = attacks.presentations(attacks.FAMILIES["prints"], [sitter], numbers, SEED)
        return {n: next(p.frames) for n, p in zip(numbers, made, strict=True)}

    some, all_of_them = first_frames(range(2, 4)), first_frames(range(4))
    assert all(np.array_equal(frame, all_of_them[n]) for n, frame in some.items())
    assert not np.array_equal(all_of_them[0], all_of_them[1])
