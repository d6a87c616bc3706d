"""The guard on a Raspberry Pi's own pin driver: with the installed setting and the default."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from edge.ops.doctor.hardware import outputs_end_with_their_process
from tests.emulated import machine

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.emulated, pytest.mark.timeout(900)]

SCRIPT = """
python3 /trial.py kill stop 'kill both'
cd /sys/module; for file in pinctrl_*/parameters/persist_gpio_outputs; do
  read -r value < $file; echo "parameter $file $value"
done
"""


def run(tmp_path: Path, *, persist: bool) -> tuple[dict[str, dict[str, Any]], Path]:
    """What the trials told, and a copy of the kernel's parameters for doctor to read."""
    done = machine.run_on_pi(SCRIPT, persist=persist, limit_s=600)
    assert done.status == 0, done.output
    for line in done.output.splitlines():
        if line.startswith("parameter "):
            _, name, value = line.split()
            (tmp_path / name).parent.mkdir(parents=True)
            (tmp_path / name).write_text(value + "\n")
    return machine.trials(done.output), tmp_path


def test_with_the_installed_setting_the_line_ends_with_its_process(tmp_path: Path) -> None:
    told, modules = run(tmp_path, persist=False)
    for trial in ("kill", "kill both"):
        assert told[trial]["before"] == "driven high"
        assert told[trial]["after"] == "input"
        assert told[trial]["released_ms"] <= 100
    assert told["stop"]["after"] == "input"
    assert told["stop"]["released_ms"] <= 2000
    assert outputs_end_with_their_process(modules).level == "ok"


def test_with_the_kernels_default_the_warden_helps_but_doctor_calls_it_unsafe(
    tmp_path: Path,
) -> None:
    told, modules = run(tmp_path, persist=True)
    # The warden drives the line off when the guard dies ...
    assert told["kill"]["after"] == "driven low"
    assert told["kill"]["released_ms"] <= 100
    assert told["stop"]["after"] == "driven low"
    assert told["stop"]["released_ms"] <= 2000
    # ... but when both die at once, the door stays open.
    assert told["kill both"]["after"] == "driven high"
    assert told["kill both"]["released_ms"] is None
    check = outputs_end_with_their_process(modules)
    assert check.level == "fail"
    assert "strict_gpiod" in check.remedy
