"""No bytes from outside end a program: each parser under atheris, as far as it goes in the time."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.faults.reporting import REPORT, SEED, report

PARSERS = {  # how often one is run where everything is
    "wire": 500_000,
    "command": 500_000,
    "arrived": 500_000,
    "config": 20_000,
    "pictures": 500_000,
    "seal": 50_000,
    "list": 500_000,
    "page": 200_000,
    "report": 100_000,
    "envelope": 500_000,
}
QUICK = 1000
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(autouse=True)
def _atheris() -> None:
    if importlib.util.find_spec("atheris") is None:
        if os.environ.get("EDGE_DOOR_TEST_REQUIRED"):
            pytest.fail("atheris is missing: pip install atheris")
        pytest.skip("no atheris here: pip install atheris")


@pytest.mark.parametrize("name", PARSERS)
def test_whatever_the_bytes_a_sentence_or_a_value(name: str, tmp_path: Path) -> None:
    runs = PARSERS[name] if REPORT else QUICK
    given = [name, str(runs), str(SEED), str(tmp_path)]
    ended = subprocess.run(
        [sys.executable, "-m", "tests.faults.fuzz", *given],
        cwd=ROOT,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    told = re.search(r"Done (\d+) runs", ended.stderr)
    assert told, ended.stderr[-2000:]
    done = int(told[1])
    findings = [json.loads(line) for line in ended.stdout.splitlines()]
    row = {
        "threat": f"hostile bytes for a parser: {name}",
        "injected": done,
        "wrong": len(findings),
        "again": f"python -m tests.faults.fuzz {name} {runs} {SEED} FOLDER",
    }
    report([row])
    assert done >= runs
    assert not findings, [each["finding"] for each in findings]
