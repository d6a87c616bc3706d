"""`evaluate liveness --crops`: both layouts, rates a source, and files that are none."""

from __future__ import annotations

import json
from io import BytesIO
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from edge.cli import app
from edge.config import Config
from edge.errors import UsageError
from edge.evaluate.liveness.crops import CropRates, evaluate_crops
from edge.vision.liveness.limits import DOUBT_ABOVE
from edge.vision.stages import Stages

if TYPE_CHECKING:
    from pathlib import Path

    from edge.config.seeing import Level
    from edge.records import Face, Frame
    from edge.vision.liveness.check import Answer
    from edge.vision.liveness.views import View


def archive(path: Path, pictures: list[np.ndarray[Any, Any]], **arrays: Any) -> Path:
    encoded = [cv2.imencode(".png", picture)[1].ravel() for picture in pictures]
    kept = {
        "data": np.concatenate(encoded),
        "offsets": np.cumsum([0, *(len(one) for one in encoded)]),
        "attack": np.array([0, 1]),
        "source": np.array(["a", "b"]),
    }
    np.savez(path, **(kept | arrays))
    return path


def grey(side: int, level: int) -> np.ndarray[Any, Any]:
    return np.full((side, side, 3), level, np.uint8)


class Seen:
    """A check that keeps what it is shown; bright pictures are attacks to it."""

    name = "seen"
    shown: list[tuple[Frame, Face]]

    def look(self, view: View) -> Answer:
        self.shown.append((view.frame, view.face))
        return lambda: float(view.frame.pixels.mean()) - 100.0


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch) -> Seen:
    seen = Seen()
    seen.shown = []

    def load(config: Config, *_others: object) -> tuple[Seen]:
        level: Level = config.liveness.level
        assert level.value == "auto"
        return (seen,)

    monkeypatch.setattr(Stages, "checks_of", load)
    return seen


def test_a_plain_crop_is_a_square_of_so_many_boxes(tmp_path: Path, check: Seen) -> None:
    found = evaluate_crops(archive(tmp_path / "a.npz", [grey(144, 20), grey(144, 200)]), Config())
    frame, face = check.shown[0]
    assert frame.pixels.shape == (144, 144, 3)
    assert face.box.width == pytest.approx(144 / 2.2)
    assert face.box.centre == pytest.approx((72, 72))
    assert found.all.auc == 1.0
    assert found.by_source["a"].bpcer.as_dict()["count"] == 1
    assert found.by_source["b"].apcer.value == 0.0
    assert found.by_source["a"].auc is None


def test_borders_that_were_made_up_are_cut_away(tmp_path: Path, check: Seen) -> None:
    box = np.array([[0.375, 0.375, 0.625, 0.625]] * 2, np.float32)
    valid = np.array([[0.25, 0.125, 1, 1], [0, 0, 1, 1]], np.float32)
    path = archive(tmp_path / "a.npz", [grey(224, 20), grey(224, 200)], box=box, valid=valid)
    evaluate_crops(path, Config())
    frame, face = check.shown[0]
    assert frame.pixels.shape == (196, 168, 3)
    assert (face.box.left, face.box.top, face.box.width) == (28, 56, 56)


def test_rates_count_what_lies_on_the_wrong_side() -> None:
    odds, attack = np.array([-2.0, 1.0, 0.5, -1.0, 3.0]), np.array([0, 0, 1, 1, 1], bool)
    rates = CropRates(DOUBT_ABOVE + odds, attack)
    assert (rates.bpcer.hits, rates.bpcer.count) == (1, 2)
    assert (rates.apcer.hits, rates.apcer.count) == (1, 3)
    assert rates.auc == pytest.approx(4 / 6)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"source": np.array(["a"])}, "as many offsets, labels, sources and boxes"),
        ({"source": None}, "allow_pickle|no array called source"),
        ({"attack": np.array(0)}, "as many offsets, labels, sources"),
        ({"box": np.zeros((0, 4))}, "sources and boxes as crops"),
        ({"offsets": np.zeros(3)}, "offsets of .* are no whole numbers"),
        ({"offsets": np.zeros(3, int)}, "crop 0 of .* is no picture"),
        ({"valid": np.zeros((2, 4))}, "`valid` of crop 0 .* leaves nothing"),
        ({"valid": np.full((2, 4), np.nan)}, "`box` or `valid` of crop 0"),
        ({"box": np.full((2, 4), np.inf)}, "`box` or `valid` of crop 0"),
    ],
)
def test_another_layout_is_refused(tmp_path: Path, arrays: dict[str, Any], message: str) -> None:
    path = archive(tmp_path / "a.npz", [grey(8, 1), grey(8, 2)], **arrays)
    with pytest.raises(UsageError, match=message):
        evaluate_crops(path, Config())
    with pytest.raises(UsageError, match="cannot be read"):
        evaluate_crops(tmp_path / "none.npz", Config())


def test_what_is_no_archive_is_a_sentence(tmp_path: Path) -> None:
    path, stored = tmp_path / "a.npz", BytesIO()
    np.save(stored, np.zeros(3))
    for content in (b"", b"PK\x03\x04 and no more", stored.getvalue()):
        path.write_bytes(content)
        with pytest.raises(UsageError, match="no NumPy archive"):
            evaluate_crops(path, Config())


def test_the_command_judges_crops_or_clips_and_says_so(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.npz", [grey(144, 20), grey(144, 200)])
    done = CliRunner().invoke(app, ["evaluate", "liveness", "--crops", str(path), "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["crops"] == 2
    assert set(found["by_source"]) == {"a", "b"}
    neither = CliRunner().invoke(app, ["evaluate", "liveness"])
    assert isinstance(neither.exception, UsageError)
