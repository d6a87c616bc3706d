"""However the supervisor dies, its programs end with it; and link takes nobody's time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.ops.supervisor import NETWORK_NICE, Supervisor

SCRIPT = """
import subprocess, sys, time
from edge.ops.supervisor import _end_with_parent
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"],
                         preexec_fn=_end_with_parent)
print(child.pid, flush=True)
time.sleep(600)
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:  # noqa: PTH123 - a zombie is dead
            return stat.read().rpartition(")")[2].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False


def test_a_killed_supervisor_leaves_nothing_behind() -> None:
    process = subprocess.Popen([sys.executable, "-c", SCRIPT], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    process.wait()
    process.stdout.close()
    deadline = time.monotonic() + 30
    while alive(child):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_link_has_a_smaller_share_than_those_who_decide(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stand_in = tmp_path / "program"
    stand_in.write_text("#!/bin/sh\nexec sleep 600\n", encoding="ascii")
    stand_in.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(stand_in))
    supervisor = Supervisor(tmp_path, tmp_path / "none.toml")
    nice: dict[str, int] = {}

    def once() -> bool:
        pids = {name: supervisor.pid(name) for name in Supervisor.PROGRAMS}
        nice.update({n: os.getpriority(os.PRIO_PROCESS, pid) for n, pid in pids.items() if pid})
        return not nice

    assert not supervisor.run(once)
    mine = os.getpriority(os.PRIO_PROCESS, 0)
    assert nice == {"door": mine, "sight": mine, "link": min(19, mine + NETWORK_NICE)}
