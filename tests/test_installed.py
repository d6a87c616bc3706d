"""What messages tell people to install is true for how edge-door came here."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from edge import installed
from edge.installed import with_extra
from tests.conftest import ROOT

PIP = f"{sys.executable} -m pip install"


def came_from(monkeypatch: pytest.MonkeyPatch, noted: dict[str, object] | None) -> None:
    text = None if noted is None else json.dumps(noted)
    monkeypatch.setattr(
        installed, "distribution", lambda _name: SimpleNamespace(read_text=lambda _file: text)
    )


def test_the_command_is_that_of_this_installation(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = tmp_path / "check out"
    folder.mkdir()
    came_from(monkeypatch, {"url": folder.as_uri(), "dir_info": {"editable": True}})
    assert with_extra("demo") == f"{PIP} -e '{folder}[demo]'"
    came_from(monkeypatch, {"url": folder.as_uri(), "dir_info": {}})
    assert with_extra("demo") == f"{PIP} '{folder}[demo]'"
    came_from(monkeypatch, {"url": (tmp_path / "gone.whl").as_uri(), "archive_info": {}})
    assert "WHERE being the checkout or wheel" in with_extra("demo")
    came_from(monkeypatch, None)
    assert with_extra("demo") == f"{PIP} 'edge-door[demo]'"


def test_every_extra_that_is_named_exists_and_no_message_guesses_how() -> None:
    extras = set(re.findall(r"^(\w+) = \[", (ROOT / "pyproject.toml").read_text(), re.MULTILINE))
    for path in sorted((ROOT / "edge").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for named in re.findall(r"with_extra\(['\"]([\w,]+)['\"]\)", text):
            assert set(named.split(",")) <= extras, path
        if path.name != "installed.py":
            assert "pip install 'edge-door" not in text, path
