"""The page for Python users, and README: every block runs as it is written."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edge.evaluate.adopt import adopt
from edge.vision.models.manifest import shipped_models
from tests.conftest import ROOT
from tests.support.pictures import by_name
from tests.support.tiny_models import answering

PAGE = ROOT / "deploy/guide/python.md"


def _blocks(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def _run(block: str, names: dict[str, Any]) -> None:
    exec(compile(block, "a page", "exec"), names)  # noqa: S102 - the page is ours


def test_every_block_of_the_page_runs(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    pictures: list[NDArray[Any]],
    visitor: tuple[Path, Path],
) -> None:
    film, stills = visitor
    eileen, grace = (np.ascontiguousarray(picture[:, :, ::-1]) for picture in pictures)
    shutil.copytree(stills, tmp_path / "photos")
    shutil.copy(film, tmp_path / "visit.avi")
    for name in ("anna-1.jpg", "visitor.jpg"):
        cv2.imwrite(str(tmp_path / name), eileen)
    cv2.imwrite(str(tmp_path / "anna-2.jpg"), cv2.convertScaleAbs(eileen, alpha=0.8))
    cv2.imwrite(str(tmp_path / "group.jpg"), grace)
    monkeypatch.chdir(tmp_path)
    blocks = _blocks(PAGE)
    assert len(blocks) == 3
    shutil.copytree(shipped_models(), tmp_path / "models", ignore=shutil.ignore_patterns("*.py"))
    file = answering(tmp_path / "AGE.tflite", (1, 224, 224, 3), [np.eye(1, 101, 30)])
    adopt(file, "age", by_name(pictures), tmp_path / "models")
    (tmp_path / "door.toml").write_text(f'[paths]\nmodels = "{tmp_path}/models"\n')
    monkeypatch.setenv("EDGE_DOOR_CONFIG", str(tmp_path / "door.toml"))
    names: dict[str, Any] = {}
    for block in blocks:
        _run(block, names)
    assert names["said"].verified
    for name in ("a.jpg", "b.jpg"):
        shutil.copy(tmp_path / "anna-1.jpg", tmp_path / name)
    (block,) = _blocks(ROOT / "README.md")
    _run(block, {})
    assert "photos/" in capsys.readouterr().out  # the stream found whom it was shown
