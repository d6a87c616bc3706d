"""`edge-door calibrate` from end to end, on made-up vectors instead of pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from edge.access.calibration import from_json
from edge.cli import app
from edge.cli.measure import accuracy
from edge.config import Config
from edge.evaluate import calibrate
from edge.evaluate.verification import Encoded
from edge.vision.calibrated import read_calibration

PEOPLE = 90
COHORT = read_calibration(Config()).rule.cohort
SIZE = COHORT.vectors.shape[1]


@pytest.fixture
def faces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders, a list of pairs and a table; a picture's vector follows from its name."""

    def encode(_config: Any, folder: Path, names: list[str], *_more: Any) -> Encoded:
        assert all((folder / name).is_file() for name in names)
        rows: list[Any] = []
        for name in names:
            number = int(name.split("/")[0].removeprefix("P"))
            own = np.random.default_rng(number).normal(size=SIZE)
            rows.append(own + 0.1 * np.random.default_rng(len(rows)).normal(size=SIZE))
        vectors = np.array(rows, np.float32)
        return Encoded(tuple(names), vectors / np.linalg.norm(vectors, axis=1, keepdims=True), ())

    monkeypatch.setattr(accuracy, "encode", encode)
    monkeypatch.setattr(calibrate, "COHORT", 4)
    pictures = [f"P{n}/P{n}_000{i}.jpg" for n in range(PEOPLE) for i in (1, 2, 3)]
    for picture in pictures:
        (tmp_path / picture).parent.mkdir(exist_ok=True)
        (tmp_path / picture).touch()
    pairs = [f"P{n} 1 2\nP{n} 3 P{n + 1} 3\nP{n} 1 P{n + 1} 2" for n in range(PEOPLE - 1)]
    (tmp_path / "pairs.txt").write_text("\n".join([*pairs, f"P{PEOPLE - 1} 1 2"]))
    rows = [f"{p},{p.split('/')[0]},{'odd' if int(p[1]) % 2 else 'even'}" for p in pictures]
    (tmp_path / "people.csv").write_text("\n".join(["image,person,group", *rows]))
    for number in range(100):
        folder = tmp_path / "cohort" / f"P{number}"
        folder.mkdir(parents=True)
        (folder / "one.jpg").touch()
    return tmp_path


def test_the_rule_and_the_cohort_are_in_the_file(faces: Path) -> None:
    out = faces / "made.json"
    command = ["calibrate", "--images", faces, "--pairs", faces / "pairs.txt", "--out", out]
    more = ["--people", faces / "people.csv", "--cohort", faces / "cohort", "--json"]
    done = CliRunner().invoke(app, [str(word) for word in command + more])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["ok"]
    made = from_json(out.read_text(), "made.json")
    assert [count for count, _ in made.rule.curves] == [1, 2, 3]
    assert made.rule.made_from.endswith("strangers of one group (even, odd)")
    assert made.rule.cohort.vectors.shape == (4, SIZE)


def test_without_a_table_everybody_is_of_one_group(faces: Path) -> None:
    out = faces / "made.json"
    command = ["calibrate", "--images", faces, "--pairs", faces / "pairs.txt", "--out", out]
    done = CliRunner().invoke(app, [str(word) for word in command])
    assert done.exit_code == 0, done.output
    made = from_json(out.read_text(), "made.json")
    assert made.rule.made_from.endswith("strangers of all groups")
    assert len(made.rule.cohort.vectors) == len(COHORT.vectors)  # of the calibration in use
