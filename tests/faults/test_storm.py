"""A flood at link and a storm at the exit button: decisions come as ever, and memory stays."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.faults.reporting import measured
from tests.faults.storm import give_way
from tests.support.link_parts import Mosquitto, needs_mosquitto

TURNS = 5
LATER_MS = 4.0
"""Who wakes waits until the running one has ended a slice: up to a tick, whatever it weighs."""
GROWTH_MB = 10.0
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600), needs_mosquitto]


@pytest.mark.parametrize("eyes", ["networks", "scripted"])
def test_ten_thousand_messages_a_second_and_a_button_storm_delay_no_decision(
    eyes: str, tmp_path: Path
) -> None:
    # In memory: a sync that waits for what else writes to this disk would say nothing of the storm.
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        broker = Mosquitto(tmp_path, "log_type none").start()
        give_way(broker.pid)
        arguments = [folder, str(broker.port), str(TURNS), eyes]
        try:
            told = subprocess.run(
                [sys.executable, "-m", "tests.faults.storm", *arguments],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=False,
            )
        finally:
            broker.kill()
    assert told.returncode == 0, told.stderr[-2000:]
    figures = json.loads(told.stdout)
    measured(
        f"10,000 messages a second at link, buttons pressed 1,000 times a second ({eyes})",
        figures,
        f"python -m tests.faults.storm FOLDER PORT {TURNS} {eyes}",
    )
    assert figures["messages a second"] >= 10_000
    if eyes == "networks":
        assert figures["p99 ratio"] <= 1.2, figures
    assert figures["p99 later ms"] <= LATER_MS, figures
    for program in ("sight", "link", "guard"):
        held = figures[f"{program} MB"]
        assert held[-1] - held[0] < GROWTH_MB, held
