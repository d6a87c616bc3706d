"""`evaluate liveness`: lists of clips, what counts, exact intervals, the whole command."""

import itertools
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from edge.cli import app
from edge.config import Config
from edge.errors import CameraError, UsageError
from edge.evaluate.attacks import FAMILIES, FILMS
from edge.evaluate.clips import film as clips_film
from edge.evaluate.clips import read_clips, sampled
from edge.evaluate.intervals import Median, Share
from edge.evaluate.liveness import REPLAYS, Plan, evaluate_liveness
from edge.evaluate.liveness.report import Rates
from edge.evaluate.liveness.watch import watch
from edge.ops.demo.animate import Appearance, Portrait, Stage
from edge.vision.stages import Stages

HEADER = "file,person,kind,species,fps,frames,blinks,labelled,notes\n"
FPS = 15


def write(folder: Path, *rows: str) -> Path:
    path = folder / "clips.csv"
    path.write_text(HEADER + "".join(f"{row}\n" for row in rows))
    return path


def test_a_list_is_read(tmp_path: Path) -> None:
    notes = '"[LIVE] half-blink 41-44-47; long closure 129-275, partial blinks 3-5 and 8-9-10"'
    path = write(tmp_path, f"a.mp4,anna,genuine,,30,100,2-4-6;9-9-12,y,{notes}")
    clip = read_clips(path)[0]
    assert clip.path == tmp_path / "a.mp4"
    assert clip.blinks == ((2, 4, 6), (9, 9, 12))
    assert clip.excused == ((41, 47), (3, 5), (8, 10))
    assert clip.labelled


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a.mp4,anna,true,,30,1,,y,", "kind is genuine or attack, not 'true'"),
        ("a.mp4,anna,genuine,,30,1,4-5,y,", "a blink is START-SHUT-END, not '4-5'"),
        ("a.mp4,anna,genuine,,fast,1,,y,", "could not convert"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as raised:
        read_clips(write(tmp_path, row))
    assert "clips.csv, line 2" in str(raised.value)


def test_a_list_without_its_columns_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clips.csv"
    path.write_text("file,kind\na.mp4,genuine\n")
    with pytest.raises(UsageError, match="has no column blinks, fps"):
        read_clips(path)
    with pytest.raises(UsageError, match="cannot be read"):
        read_clips(tmp_path / "none.csv")


def test_a_missing_clip_is_said(tmp_path: Path) -> None:
    path = write(tmp_path, "none.mp4,anna,genuine,,30,1,,y,")
    with pytest.raises(CameraError, match="cannot be opened"):
        evaluate_liveness(path, Config())


@pytest.mark.parametrize(("fps", "wanted", "taken"), [(30, 12, 120), (25, 12, 120), (30, 60, 300)])
def test_resampling_takes_what_a_slower_camera_sees(fps: float, wanted: float, taken: int) -> None:
    frames = [np.zeros((2, 2, 3), np.uint8)] * int(10 * fps)
    got = list(sampled(frames, fps, wanted))
    assert abs(len(got) - taken) <= 1
    assert all(a.captured_at < b.captured_at for a, b in itertools.pairwise(got))
    assert all(frame.captured_at == frame.sequence / fps for frame in got)


@pytest.mark.parametrize(
    ("hits", "count", "low", "high"),
    [
        (0, 900, 0.0, 0.00409),
        (0, 300, 0.0, 0.01222),
        (69, 71, 0.90192, 0.99657),
        (5, 10, 0.18709, 0.81291),
        (10, 10, 0.69150, 1.0),
        (0, 0, 0.0, 1.0),
    ],
)
def test_intervals_are_those_of_clopper_and_pearson(
    hits: int, count: int, low: float, high: float
) -> None:
    share = Share(hits, count)
    assert share.low == pytest.approx(low, abs=1e-5)
    assert share.high == pytest.approx(high, abs=1e-5)


@pytest.mark.parametrize(
    ("values", "median", "interval"),
    [
        ((), None, None),
        ((3.0, 1.0, 2.0), 2.0, None),
        (tuple(range(6)), 2.5, [0, 5]),
        (tuple(range(1, 11)), 5.5, [2, 9]),
        (tuple(range(1, 26)), 13, [8, 18]),
    ],
)
def test_the_interval_of_a_median_is_that_of_order_statistics(
    values: tuple[float, ...], median: float | None, interval: list[float] | None
) -> None:
    found = Median(values).as_dict()
    assert (found["median"], found["interval_95"]) == (median, interval)


def test_a_clip_is_turned_upright(tmp_path: Path) -> None:
    picture = np.zeros((32, 48, 3), np.uint8)
    picture[:, 40:] = 255  # right edge; a quarter turn counter-clockwise brings it to the top
    writer = cv2.VideoWriter(str(tmp_path / "a.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 5, (48, 32))
    writer.write(picture)
    writer.release()
    path = tmp_path / "clips.csv"
    header = HEADER.replace("notes", "source,notes,rotate")
    path.write_text(header + "a.avi,anna,genuine,,5,1,,n,Owner/Name dir/a.avi,,90\n")
    (clip,) = read_clips(path)
    (frame,) = clips_film(clip)
    assert clip.source == "Owner"
    assert frame.shape == (48, 32, 3)
    assert frame[:6].min() > 200
    assert frame[10:].max() < 60
    path.write_text(header + "a.avi,anna,genuine,,5,1,,n,,,45\n")
    with pytest.raises(UsageError, match="rotate is 0, 90, 180 or 270 degrees, not 45"):
        read_clips(path)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory, eileen: Portrait) -> Path:
    """A list of two films of an animated portrait: one blinks twice, one does not."""
    folder = tmp_path_factory.mktemp("clips")
    for name, blinks in (("blinks.avi", (1.2, 2.4)), ("still.avi", ())):
        codec = cv2.VideoWriter.fourcc(*"MJPG")
        writer = cv2.VideoWriter(str(folder / name), codec, FPS, (320, 240))
        stage = Stage((320, 240), FPS, 110, seed=3)
        for pixels in stage.play(eileen, Appearance(3.4, blinks)):
            writer.write(cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR))
        writer.release()
    return write(
        folder,
        f"blinks.avi,astronaut,genuine,,{FPS},51,18-20-23;36-38-41,y,",
        f"still.avi,astronaut,attack,still_picture,{FPS},51,,y,",
    )


def test_the_command_reports_what_the_product_sees(film: Path, tmp_path: Path) -> None:
    arguments = ["evaluate", "liveness", "--clips", str(film), "--jobs", "1", "--json"]
    done = CliRunner().invoke(app, [*arguments, "--report", str(tmp_path / "report")])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["blink_recall"] == 1.0
    assert found["false_blinks_per_minute"] == 0.0
    assert found["bpcer"] == 0.0
    assert found["apcer"]["clip:still_picture"]["value"] == 0.0
    assert found["attacks"] == {"clip:still_picture": 1}
    assert 1.2 < found["median_seconds_to_live"] < 2.0
    assert list(found["by_source"]) == ["astronaut"]
    assert found["by_source"]["astronaut"]["bpcer"]["count"] == 1
    assert found["by_source"]["astronaut"]["apcer"]["count"] == 1
    assert found["challenge_rate"] == 0.0
    assert [row["found"] for row in found["clips"]] == [2, 0]
    assert {"ok": True} | json.loads((tmp_path / "report" / "report.json").read_text()) == found
    assert (tmp_path / "report" / "blinks.avi.png").stat().st_size > 1000


def test_who_is_doubted_is_asked_and_not_refused(
    film: Path, stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the configuration has to ask with: a film cannot answer, whoever was filmed can."""
    monkeypatch.setattr("edge.vision.liveness.doubt.DOUBT_ABOVE", -1000.0)
    found = Rates.of(watch(stages, Config(), clip, None, 0).row for clip in read_clips(film))
    assert (found.challenged.hits, found.challenged.count) == (1, 1)
    assert found.bpcer.hits == found.apcer.hits == 0


def test_an_unknown_family_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"called 'masks'\. There are: prints, .*, replays\."):
        Plan(made={"masks": range(1)})


def test_attacks_are_made_counted_and_part_of_the_progress(film: Path) -> None:
    told: list[tuple[int, int]] = []
    found: dict[str, Any] = evaluate_liveness(
        film,
        Config(),
        Plan(made=dict.fromkeys((*FAMILIES, REPLAYS), range(1))),
        advance=lambda *now: told.append(now),
    ).as_dict()
    total = 2 + len(FAMILIES)
    assert told == [(done, total) for done in range(1, total + 1)]
    species = {family[0].__name__ for family in FAMILIES.values()}
    films = {FAMILIES[name][0].__name__ for name in FILMS}
    replays = {"replay_of_a_challenge", *(f"{name}_of_a_challenge" for name in films)}
    assert found["attacks"] == {"clip:still_picture": 1} | dict.fromkeys(species | replays, 1)
    assert all(found["apcer"][replay]["hits"] == 0 for replay in replays)


def test_attacks_alone_are_made_in_pieces(film: Path) -> None:
    """The second of the family, and no clip judged."""
    arguments = ["evaluate", "liveness", "--clips", str(film), "--family", "stills", "--json"]
    piece = ["--only-attacks", "--attacks", "1", "--first", "1", "--jobs", "1"]
    done = CliRunner().invoke(app, [*arguments, *piece])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert (found["clips"], found["attacks"]) == ([], {FAMILIES["stills"][1].__name__: 1})
