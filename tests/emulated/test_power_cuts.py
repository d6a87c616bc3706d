"""Power cuts under the real ledger and vault, on dm-flakey in User Mode Linux."""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path

import pytest

from tests.emulated import user_mode
from tests.faults.reporting import report

CUTS = int(os.environ.get("EDGE_DOOR_CUTS", "24"))
SEED = int(os.environ.get("EDGE_DOOR_FAULTS_SEED", "1"))
DISK_BYTES = 128 << 20
LIMIT_S = 200.0 + 5.0 * CUTS
pytestmark = [
    pytest.mark.emulated,
    pytest.mark.timeout(LIMIT_S + 600),
    pytest.mark.skipif(
        platform.machine() != "x86_64", reason="Debian has User Mode Linux for amd64 alone"
    ),
]


def test_nothing_acknowledged_is_lost_when_the_power_goes(tmp_path: Path) -> None:
    image = tmp_path / "disk"
    with image.open("wb") as disk:
        disk.truncate(DISK_BYTES)
    script = f".venv/bin/python -m tests.emulated.cuts /dev/ubda {SEED} {CUTS}"
    done = user_mode.run_with_disk(script, image, LIMIT_S)
    lines = [line for line in done.output.splitlines() if '{"cut"' in line]
    rows = [json.loads(line[line.index("{") :]) for line in lines]  # the kernel writes there too
    wrong = [row for row in rows if row["wrong"]]
    report(
        [
            {
                "threat": f"power cut on dm-flakey in User Mode Linux, seed {SEED}",
                "injected": sum(row["under way"] for row in rows),
                "wrong": len(wrong),
                "again": f"EDGE_DOOR_CUTS={CUTS} EDGE_DOOR_FAULTS_SEED={SEED} pytest "
                "-m emulated tests/emulated/test_power_cuts.py",
            }
        ]
    )
    assert not wrong, wrong[:3]
    assert done.status == 0, done.output[-2000:]
    assert len(rows) == CUTS
    assert any(row["said"] for row in rows), "no cut came after anything was acknowledged"
    assert sum(row["under way"] for row in rows) > CUTS // 5  # a busy machine gets less done
