"""Faults, seeded and counted a threat: nothing opens, nothing acknowledged is lost.

A few of each in the usual run; all of them with `./deploy/test.sh --faults`, which writes a table
to faults.json. One is done again by its name or seed:

    LD_PRELOAD=/tmp/shim.so python -m tests.faults.driver --only grant/power/17
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT
from tests.faults import scenarios, tamper
from tests.faults.driver import KINDS
from tests.faults.reporting import REPORT, SEED, report

EVERY = 1 if REPORT else 23
BUDGET = 12_000 if REPORT else 300
LIMIT_S = 3000 if REPORT else 900
pytestmark = pytest.mark.timeout(LIMIT_S + 60)


@pytest.mark.parametrize("kind", KINDS)
def test_every_durable_call_fails_in_turn(shim: Path, kind: str) -> None:
    environment = {**os.environ, "LD_PRELOAD": str(shim)}
    command = [sys.executable, "-B", "-m", "tests.faults.driver"]
    command += ["--every", str(EVERY), "--kinds", kind]
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
    assert len(counts) == len(scenarios.SCENARIOS)
    assert len(faults) > 500 // EVERY


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
