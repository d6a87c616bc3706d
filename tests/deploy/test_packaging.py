"""The wheel carries its models and works away from the checkout."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_the_wheel_works_away_from_the_checkout(tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "build", "-q", "--outdir", str(tmp_path), str(ROOT)], check=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert "edge/_models/manifest.toml" in names
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
