"""The evaluation's commands from end to end, on a folder of four pictures."""

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from typer.testing import CliRunner, Result

from edge.cli import app
from edge.config import Config
from edge.errors import EdgeDoorError, NoFaceError, UsageError
from edge.evaluate.verification import encode

PAIRS = "Eileen 1 2\nGrace 1 2\nEileen 1 Grace 1\nEileen 2 Grace 2\n"


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory, pictures: list[NDArray[Any]]) -> Path:
    folder = tmp_path_factory.mktemp("labelled")
    for name, picture in zip(("Eileen", "Grace"), pictures, strict=True):
        (folder / name).mkdir()
        for number, light in ((1, 1.0), (2, 0.7)):
            darker = (picture[:, :, ::-1] * light).astype(np.uint8)
            cv2.imwrite(str(folder / name / f"{name}_{number:04d}.jpg"), darker)
    (folder / "pairs.txt").write_text(PAIRS)
    return folder


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_the_report_speaks_json_and_draws(labelled: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="drawing needs the extra `plot`")
    command = ("evaluate", "verification", "--images", labelled, "--jobs", 2, "--json")
    done = run(
        *command, "--pairs", labelled / "pairs.txt", "--all-impostors", "--report", tmp_path / "out"
    )
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert {"accuracy", "eer", "fnmr_at_fmr", "model", "failure_to_enrol"} <= set(result)
    assert result["accuracy"] == 1.0
    assert result["failure_to_enrol"] == 0
    assert result["impostor_pairs"] == 4
    assert result["accuracy_rule"].startswith("no folds")
    assert {"ok": True} | json.loads((tmp_path / "out" / "report.json").read_text()) == result
    for name in ("det.png", "histogram.png"):
        assert (tmp_path / "out" / name).read_bytes().startswith(b"\x89PNG")


def test_groups_the_rule_and_worse_pictures_are_in_one_report(
    labelled: Path, tmp_path: Path
) -> None:
    pytest.importorskip("matplotlib", reason="drawing needs the extra `plot`")
    table = labelled / "groups.csv"
    rows = [f"{n}/{n}_000{i}.jpg,{n} {i},women" for n in ("Eileen", "Grace") for i in (1, 2)]
    table.write_text("\n".join(["image,person,group", *rows * 1]))
    command = ("evaluate", "verification", "--images", labelled, "--pairs", labelled / "pairs.txt")
    few = run(*command, "--groups", table, "--jobs", 1)
    assert "nobody has 11 pictures" in str(few.exception)
    rows = [f"{n}/{n}_000{i}.jpg,{n},women" for n in ("Eileen", "Grace") for i in (1, 2)]
    table.write_text("\n".join(["image,person,group", *rows]))
    done = run(
        *(*command, "--groups", table, "--captures", 1, "--probes", 1, "--jobs", 1, "--json"),
        *("--degrade", "mask", "--degrade", "64 px", "--report", tmp_path / "out"),
    )
    assert done.exit_code == 0, done.output
    result = json.loads(done.stdout)
    assert (result["rule"]["captures"], result["rule"]["probes"]) == (1, 1)
    assert result["rule"]["fnmr"]["value"] == 0
    assert result["rule"]["observed_fmr"]["value"] == 0
    assert [one["name"] for one in result["degraded"]] == ["as they are", "mask", "64 px"]
    assert {"ok": True} | json.loads((tmp_path / "out" / "report.json").read_text()) == result
    unknown = run(*command, "--degrade", "fog")
    assert "there is no degradation 'fog': blur, " in str(unknown.exception)


def test_a_model_that_nobody_has_is_a_mistake_of_usage(labelled: Path, tmp_path: Path) -> None:
    done = run(
        *("calibrate", "--images", labelled, "--pairs", labelled / "pairs.txt"),
        *("--out", tmp_path / "calibration.json", "--model", "mobilefacent-float16"),
    )
    assert isinstance(done.exception, EdgeDoorError)
    assert done.exception.exit_code == 2
    assert "Did you mean 'mobilefacenet-float16'?" in str(done.exception)


def test_four_pictures_do_not_calibrate(labelled: Path, tmp_path: Path) -> None:
    out = tmp_path / "calibration.json"
    done = run(
        *("calibrate", "--images", labelled, "--pairs", labelled / "pairs.txt"),
        *("--out", out, "--jobs", 1),
    )
    assert done.exit_code == 1
    assert "too few to calibrate" in str(done.exception)
    assert not out.exists()


def test_a_wrong_folder_is_noticed_before_any_work(labelled: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="4 of 4 pictures are not in"):
        encode(Config(), tmp_path, [str(p.relative_to(labelled)) for p in labelled.rglob("*.jpg")])


def test_pictures_without_any_face(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "wall.jpg"), np.full((100, 100, 3), 90, np.uint8))
    with pytest.raises(NoFaceError, match="no face was found in any of the 1 pictures"):
        encode(Config(), tmp_path, ["wall.jpg"], jobs=1)
