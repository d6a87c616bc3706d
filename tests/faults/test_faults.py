"""Faults, seeded and counted a threat: nothing opens, nothing acknowledged is lost.

A few of each in the usual run; all of them with `./deploy/test.sh --faults`, which writes a table
to faults.json. One is done again by its name or seed:

    LD_PRELOAD=/tmp/shim.so python -m tests.faults.driver --only grant/power/17
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.faults import scenarios, tamper

REPORT = os.environ.get("EDGE_DOOR_FAULTS")
SEED = int(os.environ.get("EDGE_DOOR_FAULTS_SEED", "1"))
EVERY = 1 if REPORT else 23
BUDGET = 12_000 if REPORT else 300
LIMIT_S = 3000 if REPORT else 240
pytestmark = pytest.mark.timeout(LIMIT_S + 60)


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    gcc = shutil.which("gcc")
    if gcc is None:
        if os.environ.get("EDGE_DOOR_TEST_REQUIRED"):
            pytest.fail("gcc is missing: apt-get install gcc")
        pytest.skip("no gcc here: apt-get install gcc")
    made = tmp_path_factory.mktemp("shim") / "shim.so"
    source = Path(__file__).parent / "shim.c"
    command = [gcc, "-shared", "-fPIC", "-O1", "-Wall", "-o", str(made), str(source), "-ldl"]
    subprocess.run(command, check=True)
    return made


def report(rows: list[dict[str, Any]]) -> None:
    """Add to the table, where one is wanted."""
    if not REPORT:
        return
    path = Path(REPORT)
    before: dict[str, Any] = {"seed": SEED, "threats": []}
    if path.exists():
        before = json.loads(path.read_text())
    names = {row["threat"] for row in rows}
    kept = [row for row in before["threats"] if row["threat"] not in names]
    path.write_text(json.dumps({**before, "threats": kept + rows}, indent=2) + "\n")


def test_every_durable_call_fails_in_turn(shim: Path) -> None:
    environment = {**os.environ, "LD_PRELOAD": str(shim)}
    command = [sys.executable, "-B", "-m", "tests.faults.driver", "--every", str(EVERY)]
    ended = subprocess.run(
        command,
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    faults = [json.loads(line) for line in ended.stdout.splitlines()]
    wrong = [fault for fault in faults if fault["wrong"]]
    counts = Counter(fault["fault"].rpartition("/")[0] for fault in faults)
    bad = Counter(fault["fault"].rpartition("/")[0] for fault in wrong)
    rows = [
        {"threat": name, "injected": count, "wrong": bad[name], "again": f"--only {name}/N"}
        for name, count in counts.items()
    ]
    report(rows)
    assert not wrong, wrong[:5]
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert len(counts) == len(scenarios.SCENARIOS) * 6
    assert len(faults) > 1000 // EVERY


@pytest.mark.parametrize("threat", tamper.THREATS, ids=lambda threat: threat.__name__)
def test_nothing_by_another_hand_is_obeyed(threat: Any, tmp_path: Path) -> None:
    scenarios.trust_the_clock()
    folder = tmp_path / "state"
    folder.mkdir()
    scenarios.prepare(folder)
    began = time.monotonic()
    tally = threat(folder, BUDGET, SEED)
    report(
        [
            {
                "threat": tally.threat,
                "injected": tally.injected,
                "wrong": len(tally.obeyed),
                "again": f"EDGE_DOOR_FAULTS_SEED={SEED} pytest -k {threat.__name__}",
                "seconds": round(time.monotonic() - began, 1),
            }
        ]
    )
    assert tally.injected
    assert not tally.obeyed, tally.obeyed[:5]


def test_the_power_cut_undoes_what_was_not_synced(shim: Path, tmp_path: Path) -> None:
    """The instrument itself: without this, a sweep in which nothing is lost would say nothing."""
    script = """
import ctypes, os, sys
from pathlib import Path
folder = Path(sys.argv[1])
shim = ctypes.CDLL(None)
file = os.open(folder / "file", os.O_CREAT | os.O_RDWR)
os.write(file, b"old old"); os.fsync(file)
shim.fault_arm(3, 0, ctypes.c_long(4), str(folder).encode())
os.pwrite(file, b"new", 0); os.fsync(file)
os.pwrite(file, b"lost and longer", 3)
os.fsync(file)
"""
    environment = {**os.environ, "LD_PRELOAD": str(shim)}
    command = [sys.executable, "-c", script, str(tmp_path)]
    assert subprocess.run(command, env=environment, check=False).returncode == 138
    assert (tmp_path / "file").read_bytes() == b"new old"
