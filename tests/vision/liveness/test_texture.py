"""The texture vote: what it looks at, how its votes add up, and that it withholds the proof."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.config import Config, parse
from edge.config.sections import LivenessSection
from edge.ops.demo.animate import Portrait
from edge.records import Frame, Liveness, LivenessState
from edge.vision.liveness.monitor import RECAPTURED, LivenessMonitor, Sample
from edge.vision.liveness.texture import AVERAGED_S, Ballot, Texture, middle_of
from edge.vision.models.entries import TextureEntry
from edge.vision.models.manifest import read_manifest
from edge.vision.models.model import Model
from edge.vision.pipeline import LOOK_AT_TEXTURE_EVERY_S, Pipeline, Stages
from tests.support.heads import blinking, landmarks, lids, skin

if TYPE_CHECKING:
    from edge.records import Pixels

FPS = 30


@pytest.fixture(scope="module")
def texture() -> Texture:
    return Texture(Model(read_manifest().entry(TextureEntry)))


def blinks_at_1_5_s(vote: float | None, *, texture: bool) -> list[Liveness]:
    """A living face that everything but its colours speaks for."""
    monitor = LivenessMonitor(LivenessSection(texture=texture))
    stamps = np.arange(0, 4, 1 / FPS)
    samples = (
        Sample(t, 1, landmarks(), skin(t), lids(blinking(t, 1.5)), vote if i % 8 == 0 else None)
        for i, t in enumerate(stamps)
    )
    return [monitor.observe(sample) for sample in samples]


@pytest.mark.parametrize(
    ("vote", "texture", "alive"),
    [(-1.0, True, True), (1.0, True, False), (1.0, False, True), (None, True, False)],
)
def test_votes_withhold_the_proof_only_when_asked_for(
    vote: float | None, *, texture: bool, alive: bool
) -> None:
    verdicts = blinks_at_1_5_s(vote, texture=texture)
    assert any(v.state is LivenessState.LIVE for v in verdicts) is alive
    assert any(v.seen == RECAPTURED for v in verdicts) is not alive
    assert verdicts[-1].blinks == 1


def test_a_ballot_counts_the_mean_of_its_seconds() -> None:
    ballot = Ballot()
    verdicts = [ballot.against]
    for at, vote in ((0.0, -5.0), (0.5, 1.0), (0.1 + AVERAGED_S, 1.0)):
        ballot.add(at, vote)
        verdicts.append(ballot.against)
    ballot.clear()
    ballot.add(3.0, -0.1)
    verdicts.append(ballot.against)
    assert verdicts == [True, False, False, True, False]


def test_the_middle_of_a_face_is_averaged_not_picked() -> None:
    noise = np.random.default_rng(1).normal(128, 40, (480, 640, 3))
    frame = Frame(np.clip(noise, 0, 255).astype(np.uint8), 0.0, 0)
    near, far = (landmarks(scale=scale, at=(320.0, 240.0)) for scale in (3.0, 0.4))
    assert middle_of(frame, near, 0.6, 40).shape == (40, 40, 3)
    assert middle_of(frame, near, 0.6, 40).std() < 0.5 * middle_of(frame, far, 0.6, 40).std()


def test_the_middle_of_a_face_is_its_middle() -> None:
    pixels = np.zeros((240, 320, 3), np.uint8)
    face = landmarks()
    low, high = face.points[:, :2].min(axis=0), face.points[:, :2].max(axis=0)
    reach = 0.25 * float((high - low).max())
    left, top = np.round((low + high) / 2 - reach).astype(int)
    pixels[top : top + round(2 * reach), left : left + round(2 * reach)] = 200
    assert (middle_of(Frame(pixels, 0.0, 0), face, 0.4, 40) == 200).all()
    assert (middle_of(Frame(pixels, 0.0, 0), face, 0.8, 40) == 0).any()


def test_two_portraits_have_the_colours_of_skin(
    texture: Texture, eileen: Portrait, grace: Portrait
) -> None:
    for portrait in (eileen, grace):
        assert texture.vote(Frame(portrait.pixels, 0.0, 0), portrait.landmarks) < 0


def on_a_screen(pixels: Pixels) -> Pixels:
    """Bluer, brighter than the camera can take, and nothing quite black."""
    light = (pixels / 255.0) ** 2.2 * (1.1, 1.3, 1.7) + 0.03
    return (np.clip(light, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8)


def on_paper(pixels: Pixels) -> Pixels:
    """Paler, and neither white nor black."""
    grey = pixels.mean(axis=2, keepdims=True)
    return (0.15 * 255 + 0.7 * (grey + 0.6 * (pixels - grey))).astype(np.uint8)


@pytest.mark.parametrize("recapture", [on_a_screen, on_paper])
def test_the_same_face_recaptured_is_voted_down(
    recapture: Callable[[Pixels], Pixels], texture: Texture, eileen: Portrait, grace: Portrait
) -> None:
    for portrait in (eileen, grace):
        shown = Frame(recapture(portrait.pixels), 0.0, 0)
        plain = texture.vote(Frame(portrait.pixels, 0.0, 0), portrait.landmarks)
        assert texture.vote(shown, portrait.landmarks) > plain + 1


def test_the_pipeline_votes_a_few_times_a_second(stages: Stages, eileen: Portrait) -> None:
    config = parse({"liveness": {"texture": True}}, "door.toml")
    loaded = Stages.load(config)
    pictures = [Frame(eileen.pixels, i / FPS, i) for i in range(FPS)]
    voted, silent = (
        [p.step(f).texture for f in pictures]
        for p in (Pipeline(loaded, config), Pipeline(stages, Config()))
    )
    assert sum(vote is not None for vote in voted) == round(1 / LOOK_AT_TEXTURE_EVERY_S)
    assert silent == [None] * FPS
