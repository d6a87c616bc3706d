"""The walls between the rooms hold: every contract catches what it forbids, and some names live in
one place alone."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

# What stands in each file of a copy of the package, and the contract that must catch it.
PLANTED = {
    "edge/config/planted.py": ("import edge.cli.base", "floors"),
    "edge/access/planted.py": ("import socket", "the pure room"),
    "edge/link/planted.py": ("import edge.roster.planted", "the vault"),
    "edge/roster/planted.py": ("import edge.vault.key", "floors"),
    "edge/sight/phoning.py": ("import http.client", "no network"),
    "edge/door/warden.py": ("import numpy", "the guard"),
    "edge/door/readers/planted.py": ("import pydantic", "the guard"),
    "edge/link/carrying.py": ("import rich.progress", "the command line"),
    "edge/sight/planted.py": ("import paho.mqtt.client", "knows paho"),
    "edge/vault/planted.py": ("import sqlite3", "knows sqlite3"),
    "edge/ledger/planted.py": ("import sqlalchemy", "the fleet's packages"),
    "edge/vision/planted.py": ("import edge.faces.attributes", "guesses about people"),
    "edge/fleet/web/planted.py": ("import edge.fleet.collector.news", "in the database alone"),
}

# What is loaded by name, so that no import shows it; and who may say the name.
SPOKEN = {
    r"ai_edge_litert|tflite_runtime": ("edge/vision/models/",),
    r"\b(RPi|Jetson)\.GPIO|import gpiod": ("edge/door/pins/", "edge/ops/doctor/"),
    r"\bVideoCapture\b": ("edge/vision/camera", "edge/ops/demo/picture.py"),
    r"from picamera2 import": ("edge/vision/camera",),
    # A camera's film would leave by one of these; import-linter sees packages, not their modules.
    r"urllib\.request|\bAF_INET|create_connection": ("edge/fleet/", "edge/ops/demo/", "edge/link/"),
    # No contract follows a name that is put together.
    r"\bimport_module\b|__import__": (
        "edge/__init__.py",
        "edge/cli/fleet/wall.py",
        "edge/cli/root.py",
        "edge/door/pins/",
        "edge/door/readers/__init__.py",
        "edge/evaluate/peers.py",
        "edge/ops/doctor/hardware.py",
        "edge/vision/camera/",
        "edge/vision/inputs.py",
        "edge/vision/models/tflite.py",
    ),
    # Of libraries without types, and where JSON becomes a value of a stated one.
    r"import .*\bAny\b": (
        "edge/cli/office/shown.py",
        "edge/cli/root.py",
        "edge/faces/results.py",
        "edge/fleet/pki/rabbitmq.py",
        "edge/fleet/web/patience.py",
        "edge/ledger/chain.py",
        "edge/roster/offer.py",
        "edge/store/__init__.py",
        "edge/vision/camera/gstreamer.py",
        "edge/vision/models/manifest.py",
    ),
    r"AttributeEntry": (
        "edge/faces/attributes.py",
        "edge/vision/models/entries.py",
        "edge/evaluate/adopt",
    ),
}


def contracts(folder: Path) -> subprocess.CompletedProcess[str]:
    program = "from importlinter.cli import lint_imports_command as lint; lint()"
    command = [sys.executable, "-c", program, "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def speakers(folder: Path, spoken: str, allowed: tuple[str, ...]) -> list[str]:
    return [
        name
        for path in sorted((folder / "edge").rglob("*.py"))
        if not (name := path.relative_to(folder).as_posix()).startswith(allowed)
        and re.search(spoken, path.read_text(encoding="utf-8"))
    ]


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What import-linter says of a copy into which every violation was planted."""
    pytest.importorskip("importlinter", reason="import-linter comes with the extra `dev`")
    folder = tmp_path_factory.mktemp("planted")
    shutil.copytree(ROOT / "edge", folder / "edge", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for name, (line, _) in PLANTED.items():
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write(f"\n{line}\n")
    result = contracts(folder)
    assert result.returncode == 1
    return result.stdout


@pytest.mark.parametrize("contract", [contract for _, contract in PLANTED.values()])
def test_a_planted_violation_is_caught(broken: str, contract: str) -> None:
    assert re.search(rf"^.*{contract}.* BROKEN", broken, re.MULTILINE), broken


def test_every_contract_has_a_planted_violation() -> None:
    names = re.findall(r'^name = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    contracts_there = [name for name in names if name != "edge-door"]
    planted = [contract for _, contract in PLANTED.values()]
    unplanted = [name for name in contracts_there if not any(part in name for part in planted)]
    assert unplanted == []


@pytest.mark.parametrize(("spoken", "allowed"), SPOKEN.items())
def test_a_library_is_known_in_one_room(spoken: str, allowed: tuple[str, ...]) -> None:
    assert speakers(ROOT, spoken, allowed) == []
    assert speakers(ROOT, spoken, ()) != [], "nobody says it: is the pattern still right?"
