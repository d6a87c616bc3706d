"""What the recapture check looks at, and that it tells a face from the same face on a screen."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edge.config import Config, parse
from edge.evaluate import attacks
from edge.evaluate.attacks.tinted import TINTS
from edge.records import Box, Face, Frame
from edge.vision.camera import replay
from edge.vision.faces.follower import face_of
from edge.vision.liveness.askew import Askew
from edge.vision.liveness.checks import opinions_of
from edge.vision.liveness.limits import (
    ASKEW,
    ASKEW_DEG,
    BRIGHT,
    DOUBT_ABOVE,
    LOOK_EVERY_S,
    MAX_GAIN,
    ROOM,
)
from edge.vision.liveness.views import SKIN, View, around, grey_light, skin_light
from edge.vision.pipeline import Pipeline
from edge.vision.stages import Stages

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from edge.evaluate.attacks import Sitter
    from edge.ops.demo.animate import Portrait
    from edge.records import Pixels

FPS = 30
SIDE = 100


def ramp(height: int, width: int) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Red is the column, green the row."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[..., 0] = np.arange(width)[None, :]
    pixels[..., 1] = np.arange(height)[:, None]
    return pixels


@pytest.mark.parametrize(
    ("box", "scale", "left", "top", "side"),
    [
        (Box(100, 80, 20, 20), 2.0, 90, 70, 40),
        (Box(100, 80, 20, 24), 2.0, 86, 68, 48),  # the longer side counts
        (Box(0, 0, 20, 20), 2.0, 0, 0, 40),  # pushed inside
        (Box(225, 170, 30, 30), 2.0, 196, 140, 60),
        (Box(100, 80, 80, 80), 4.0, 40, 0, 200),  # shrunk to the picture's height
        (Box(-30, 80, 20, 20), 1.0, 0, 80, 20),
    ],
)
def test_crops_stay_inside_the_picture(
    box: Box, scale: float, left: int, top: int, side: int
) -> None:
    crop = around(ramp(200, 256), box, scale, side)  # at its own size nothing is resampled
    assert crop.shape == (side, side, 3)
    assert (crop[0, 0, 0], crop[0, 0, 1]) == (left, top)
    assert (crop[-1, -1, 0], crop[-1, -1, 1]) == (left + side - 1, top + side - 1)


def test_the_pipeline_looks_a_few_times_a_second(stages: Stages, eileen: Portrait) -> None:
    pictures = [Frame(eileen.pixels, i / FPS, i) for i in range(FPS)]
    quiet = parse({"liveness": {"level": "blink"}}, "door.toml")
    looks, none = (
        [pipeline.step(frame).opinions for frame in pictures]
        for pipeline in (Pipeline(stages, Config()), Pipeline(Stages.load(quiet), quiet))
    )
    assert sum(bool(opinions) for opinions in looks) == round(1 / LOOK_EVERY_S)
    said = {opinion.check for opinions in looks for opinion in opinions}
    assert said == {"recapture", "surroundings", "skin", "askew", "bands"}
    assert not any(none)


def test_a_square_that_both_networks_look_at_is_cut_out_once(
    stages: Stages, eileen: Portrait, monkeypatch: pytest.MonkeyPatch
) -> None:
    frame = Frame(eileen.pixels, 0.0, 0)
    (face,) = stages.detector.detect(frame)
    alone = [check.look(View(frame, face))() for check in stages.checks]
    cut: list[tuple[float, int]] = []

    def counted(pixels: Pixels, box: Box, scale: float, size: int, roll: float) -> Pixels:
        cut.append((scale, size))
        return around(pixels, box, scale, size, roll)

    monkeypatch.setattr("edge.vision.liveness.views.around", counted)
    view = View(frame, face)
    assert [each.against for each in opinions_of(stages.checks, view)] == alone
    assert sorted(cut) == [(1.5, 80), (1.5, 128), (2.7, 80), (2.7, 128), (4.0, 80)]


def odds_of(stages: Stages, view: View) -> float:
    return sum(opinion.against for opinion in opinions_of(stages.checks, view))


def held(pixels: Pixels, roll: float) -> Pixels:
    """Turned about its middle by so many degrees."""
    height, width = pixels.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), roll, 1.0)
    return cv2.warpAffine(pixels, turn, (width, height), borderMode=cv2.BORDER_REPLICATE)


@pytest.mark.parametrize("roll", [8, 35, -50, 90])
def test_a_face_that_lies_aside_is_shown_upright(eileen: Portrait, roll: float) -> None:
    """By little it is not, since turning blurs. Where it is, that alone counts a little."""
    picture = cv2.GaussianBlur(eileen.pixels, (0, 0), 2)
    height, width = picture.shape[:2]
    box = Box(width / 2 - 60, height / 2 - 60, 120, 120)

    def seen(pixels: Pixels, degrees: float) -> View:
        across = np.array([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
        eyes = np.array([-30 * across, 30 * across]) + box.centre
        return View(Frame(pixels, 0.0, 0), Face(box, eyes.astype(np.float32), 1.0))

    aside, upright = seen(held(picture, -roll), roll), seen(picture, 0)
    one, other = (view.squares((1.5,), 128)[0].astype(float) for view in (aside, upright))
    off = float(np.abs(one - other)[24:104, 24:104].mean())
    assert (off < 6) is (abs(roll) > ASKEW_DEG), off
    check = Askew(lambda _kind: pytest.fail("nothing to load"))
    assert [check.look(view)() for view in (aside, upright)] == [ASKEW * (off < 6), 0]


@pytest.mark.parametrize(("family", "roll"), [("devices", 0), ("devices", -50), ("screens", 0)])
def test_a_face_on_a_screen_is_doubted_and_itself_is_not(
    stages: Stages, sitter: Sitter, family: str, roll: float
) -> None:
    """However askew it is held."""

    def odds(pictures: Iterable[Pixels]) -> list[float]:
        pair = (held(pixels, roll) for pixels in islice(pictures, 2))
        before, frame = (Frame(pixels, i / FPS, i) for i, pixels in enumerate(pair))
        meshes = [stages.mesh.locate(frame, face) for face in stages.detector.detect(frame)[:1]]
        views = [View(frame, face_of(mesh), before) for mesh in meshes]
        return [odds_of(stages, view) for view in views]

    shown = attacks.presentations(attacks.FAMILIES[family], [sitter], range(24), 3)
    filmed = [value for presentation in shown for value in odds(presentation.frames)]
    (plain,) = odds([sitter.opened] * 2)
    assert plain < DOUBT_ABOVE
    assert np.median(filmed) > DOUBT_ABOVE


@pytest.mark.parametrize(("room", "asked"), [(ROOM - 0.1, False), (ROOM + 0.1, True)])
def test_surroundings_are_looked_at_only_where_there_are_any(
    stages: Stages, room: float, *, asked: bool
) -> None:
    """A bright square on black, like a screen at night."""
    (check,) = (check for check in stages.checks if check.name == "surroundings")
    side = round(room * SIDE)
    picture = np.zeros((side, side + 200, 3), np.uint8)
    picture[60:-60, 60:-60] = ramp(side - 120, side + 80) // 2 + 100
    face = Face(Box(side / 2, side / 2 - 50, SIDE, SIDE), np.empty((0, 2), np.float32), 1.0)
    assert (check.look(View(Frame(picture, 0.0, 0), face))() != 0) is asked


def lit(pixels: Pixels, light: tuple[float, ...]) -> Pixels:
    return np.clip(pixels * np.array(light), 0, 255).astype(np.uint8)


def seen_in(light: Callable[[list[Pixels]], Pixels], views: list[Pixels]) -> list[Pixels]:
    return [np.asarray(cv2.LUT(view, light(views)), np.uint8) for view in views]


def test_the_colour_of_the_light_is_taken_out() -> None:
    random = np.random.default_rng(2)
    views = [random.integers(20, 200, (80, 80, 3)).astype(np.uint8) for _ in range(3)]
    plain, tinted = (
        seen_in(grey_light, views),
        seen_in(grey_light, [lit(view, (1.12, 1.0, 0.85)) for view in views]),
    )
    for one, other in zip(plain, tinted, strict=True):
        assert np.abs(one.astype(int) - other).max() <= 3


def test_a_face_in_any_light_has_the_colour_of_skin_and_stays_as_dark() -> None:
    random = np.random.default_rng(3)
    views = [random.integers(20, 120, (80, 80, 3)).astype(np.uint8) for _ in range(2)]
    for light in [(1.0, 1.0, 1.0), (1.2, 1.0, 0.7), (0.7, 0.9, 1.4)]:
        near, wide = seen_in(skin_light, [lit(view, light) for view in views])
        middle = near[20:60, 20:60].reshape(-1, 3).mean(0)
        assert middle / middle.mean() == pytest.approx(np.array(SKIN), abs=0.02), light
        assert middle.mean() == pytest.approx(lit(views[0], light)[20:60, 20:60].mean(), abs=1)
        assert wide.shape == views[1].shape


@pytest.mark.parametrize(("film", "screen"), [("wolf_a.mp4", True), ("wolf_b.mp4", False)])
def test_a_screen_is_one_and_a_face_is_none_in_every_light(
    stages: Stages, clips: Path, film: str, *, screen: bool
) -> None:
    section = Config().camera.model_copy(update={"source": str(clips / film)})
    frames = list(islice(replay(section), 40, 120, 8))
    faces = [stages.detector.detect(frame)[0] for frame in frames]
    for light in TINTS:
        pictures = [Frame(lit(frame.pixels, light), 0.0, 0) for frame in frames]
        views = [View(*each) for each in zip(pictures, faces, strict=True)]
        seen = [odds_of(stages, view) for view in views]
        assert bool(np.mean(seen) > DOUBT_ABOVE) is screen, light


@pytest.mark.parametrize(
    ("seen", "shown"),
    [(0, 0), (20, 20 * MAX_GAIN), (50, BRIGHT), (79, BRIGHT), (81, 81), (250, 250)],
)
def test_a_dark_face_is_shown_as_if_there_were_more_light(seen: int, shown: float) -> None:
    """By the middle of the face, whatever is around it; its noise does not grow without end."""
    picture = np.full((400, 400, 3), 200, np.uint8)
    picture[150:250, 150:250] = seen
    face = Face(Box(150, 150, SIDE, SIDE), np.empty((0, 2), np.float32), 1.0)
    for square in View(Frame(picture, 0.0, 0), face).squares((1.5, 4.0), 80):
        assert square[40, 40] == pytest.approx(shown, abs=1)


@pytest.mark.parametrize("film", ["lestari_fake.mp4", "lestari_real.mp4"])
@pytest.mark.parametrize("room", [1.5, 2.0])
def test_dim_light_neither_hides_a_screen_nor_makes_one_of_a_face(
    stages: Stages, clips: Path, film: str, room: float
) -> None:
    """Darkened to a quarter they had told a telephone from a face no more."""
    section = Config().camera.model_copy(update={"source": str(clips / film)})
    side, edge = 480 / room, 240 - 240 / room
    face = Face(Box(edge, edge, side, side), np.empty((0, 2), np.float32), 1.0)
    bright: list[float] = []
    dim: list[float] = []
    for frame in islice(replay(section), 40, 76, 8):
        box = stages.detector.detect(frame)[0].box
        for light, odds in ((1.0, bright), (0.25, dim)):
            near = around(lit(frame.pixels, (light,) * 3), box, room, 480)
            view = View(Frame(near, 0.0, 0), face)
            odds.append(odds_of(stages, view))
    assert np.mean(dim) == pytest.approx(np.mean(bright), abs=1)
