"""Every write, sync and rename of ledger and vault, killed or failing: one run for each."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.ledger.ledger import Ledger
from edge.vault.vault import Vault

if TYPE_CHECKING:
    from pathlib import Path

MODEL = "a" * 64
SYSCALLS = ("pwrite64", "write", "fsync", "fdatasync", "ftruncate", "rename", "link", "unlink")

# Says each step that is done; the last line that came is what was acknowledged.
SCRIPT = """
import os, sys
from pathlib import Path
import numpy as np
from edge.errors import EdgeDoorError
from edge.ledger.ledger import Ledger
from edge.vault.vault import Vault
from edge.records import Event, EventKind, Reason, Template

folder = Path(sys.argv[1])
done = os.open(folder / "done", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
def say(step):
    os.writev(done, [step.encode() + b"\\n"])  # not one of the calls that are made to fail
def template(name, value):
    return Template(name, np.full((2, 64), value, np.float32), "a" * 64)
try:
    with Ledger.open(folder / "ledger.db", "door1") as ledger:
        for number in range(3):
            event = Event(EventKind.DOOR, Reason.REX, 1.0, 2.0, True, "door1", None, {"n": number})
            ledger.append(event, {"last": str(number + 1)})
            say(f"event {number + 1}")
    create_key(folder / "vault.key")
    say("key")
    with Vault.open(folder / "people.db", folder / "vault.key", "door1") as vault:
        vault.add(template("Ann", 1))
        say("people Ann 1")
        vault.credentials.set_pin("Ann", "4711")
        say("pin")
        vault.replace(template("Ann", 2))
        say("people Ann 2")
        vault.rename("Ann", "Bo")
        say("people Bo 2")
        vault.remove("Bo")
        say("people")
    say("end")
except EdgeDoorError as error:
    say(f"refused {error}")
"""

PEOPLE = ["", "Ann 1", "Ann 2", "Bo 2", ""]


def run(folder: Path, syscall: str, number: int, fault: str) -> tuple[list[str], str, bool]:
    """The steps that were done, what came on standard error, and whether the fault struck."""
    log = folder / "strace"
    inject = f"inject={syscall}:{fault}:when={number}"
    trace = ["strace", "-f", "-qq", "-o", str(log), "-e", f"trace={syscall}", "-e", inject]
    command = [*trace, sys.executable, "-B", "-c", SCRIPT, str(folder)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    struck = "INJECTED" in log.read_text() or ended.returncode < 0
    done = folder / "done"
    return (done.read_text().splitlines() if done.exists() else []), ended.stderr, struck


def check_ledger(folder: Path, steps: list[str]) -> None:
    acked = sum(step.startswith("event") for step in steps)
    with Ledger.open(folder / "ledger.db", "door1") as ledger:
        assert ledger.verify() == []
        written = ledger.written()
        assert acked <= written <= acked + 1
        assert ledger.states() == ({"last": str(written)} if written else {})


def check_vault(folder: Path, steps: list[str]) -> None:
    key = folder / "vault.key"
    if "key" not in steps:
        assert not key.exists() or len(key.read_bytes()) == 32
        return
    acked = sum(step.startswith("people") for step in steps)
    with Vault.open(folder / "people.db", key, "door1") as vault:
        templates = vault.templates(MODEL)
        # They come back turned by the device's secret rotation, which changes no length.
        lengths = [np.linalg.norm(template.vectors, axis=1) / 8 for template in templates]
        assert all(np.allclose(each, each[0]) for each in lengths)
        found = " ".join(
            f"{t.person} {each[0]:.3g}" for t, each in zip(templates, lengths, strict=True)
        )
        assert found in PEOPLE[acked : acked + 2]
        assert len(vault.credentials.held()) <= len(templates)


@pytest.mark.slow
@pytest.mark.timeout(3600)  # hundreds of runs, under strace
@pytest.mark.parametrize("syscall", SYSCALLS)
@pytest.mark.parametrize("fault", ["signal=KILL", "error=ENOSPC", "error=EIO"])
def test_every_durable_step_cut_short(tmp_path: Path, syscall: str, fault: str) -> None:
    if shutil.which("strace") is None:
        pytest.skip("needs strace: install the system package of that name")
    for number in itertools.count(1):
        folder = tmp_path / str(number)
        folder.mkdir()
        steps, errors, struck = run(folder, syscall, number, fault)
        if not struck:  # there are no more such calls
            assert steps[-1] == "end"
            break
        assert "Traceback" not in errors, (number, errors)
        check_ledger(folder, steps)
        check_vault(folder, steps)
    assert number > 1
