"""The units and the example of deploy/fleet hold."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import ROOT

FOLDER = ROOT / "deploy" / "fleet"
UNITS = sorted(FOLDER.glob("*.service"))


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_units_are_well_formed_and_closed(unit: Path, tmp_path: Path) -> None:
    text = unit.read_text().replace("/opt/edge-door-fleet/venv/bin/edge-door", "/bin/true")
    (tmp_path / unit.name).write_text(text)
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", tmp_path / unit.name],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in verified.stderr.splitlines() if unit.name in line]
    assert ours == []
    scored = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", tmp_path / unit.name],
        capture_output=True,
        text=True,
        check=False,
    )
    exposure = re.search(r"exposure level.*?: ([0-9.]+)", scored.stdout)
    assert exposure is not None, scored.stderr
    assert float(exposure[1]) <= 2.0


@pytest.mark.parametrize("page", [FOLDER / "README.md", ROOT / "deploy/guide/fleet.md"])
def test_what_the_pages_link_to_exists(page: Path) -> None:
    links = re.findall(r"\]\(([^)h][^)]*)\)", page.read_text())
    assert links
    for link in links:
        assert (page.parent / link).exists(), link
