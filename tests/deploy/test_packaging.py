"""The wheel carries its models and works away from the checkout."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from edge import __version__
from edge.vision.models.manifest import read_toml

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_wheel_works_away_from_the_checkout(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "-q", "--outdir", str(tmp_path), str(ROOT)], check=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {"edge/_models/manifest.toml", "edge/_models/shipped.seal"} <= set(names)
    assert any(name.startswith("edge/_models/calibration/") for name in names)
    subprocess.run([sys.executable, "-m", "venv", str(tmp_path / "env")], check=True)
    program = tmp_path / "env" / "bin"
    subprocess.run([program / "pip", "install", "-q", str(wheel)], check=True)
    listed = subprocess.run(
        [program / "edge-door", "people", "list", "--json"],
        cwd=tmp_path,
        env={"EDGE_DOOR_CONFIG": str(_config(tmp_path)), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert listed.stdout.strip() == '{"people": []}'


def _config(folder: Path) -> Path:
    path = folder / "c.toml"
    path.write_text(f'[paths]\nstate = "{folder}/state"\nrun = "{folder}/run"\n')
    return path


def test_importing_needs_no_hardware_library() -> None:
    """Whatever a Pi or a Jetson brings is imported only when it is asked for."""
    code = (
        "import sys\n"
        "for name in ('RPi', 'Jetson', 'picamera2', 'gpiod', 'matplotlib', 'amqtt'):\n"
        "    sys.modules[name] = None\n"
        "import edge.cli, edge.faces, edge.door.guard, edge.ops.doctor\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_the_lock_holds_what_the_package_asks_for() -> None:
    project = read_toml(ROOT / "pyproject.toml")["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["gpiod"]]
    lock = (ROOT / "deploy/requirements.lock").read_text()
    pinned: dict[str, list[Version]] = {}
    for name, version in re.findall(r"^([\w-]+)==([\w.]+)", lock, re.MULTILINE):
        pinned.setdefault(canonicalize_name(name), []).append(Version(version))
    stale = [
        one.name
        for one in map(Requirement, wanted)
        if not any(map(one.specifier.contains, pinned.get(canonicalize_name(one.name), [])))
    ]
    assert not stale, f"run ./deploy/lock.sh: {stale}"


def test_a_package_takes_nothing_of_an_environment_in_the_checkout() -> None:
    targets = read_toml(ROOT / "pyproject.toml")["tool"]["hatch"]["build"]["targets"]
    for kind in ("wheel", "sdist"):
        assert all(pattern.startswith("/") for pattern in targets[kind]["include"]), kind


def test_the_bill_of_materials_names_every_model() -> None:
    pytest.importorskip("cyclonedx_py", reason="cyclonedx-bom comes with the extra `dev`")
    command = [sys.executable, "deploy/sbom.py"]
    made = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    components = json.loads(made.stdout)["components"]
    models = {c["name"] for c in components if c["type"] == "machine-learning-model"}
    assert models == set(read_toml(ROOT / "models/manifest.toml")["models"])
    assert {"numpy", "paho-mqtt", "cryptography"} <= {c["name"] for c in components}


def test_the_version_stands_in_one_place() -> None:
    assert "version" in read_toml(ROOT / "pyproject.toml")["project"]["dynamic"]
    first = next(
        line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## [")
    )
    assert first.startswith(("## [Unreleased]", f"## [{__version__}]"))
