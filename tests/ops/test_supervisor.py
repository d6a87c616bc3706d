"""However the supervisor dies, its programs end with it; and link takes nobody's time."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge.ops.supervisor import NETWORK_NICE, Supervisor, SupervisorError
from edge.systemd import SUPERVISED, heartbeat
from tests.support.waiting import until

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
    until(lambda: not alive(child))


def stand_in(
    monkeypatch: pytest.MonkeyPatch, folder: Path, script: str, *, wired: bool = False
) -> Supervisor:
    """A supervisor whose programs are all this script."""
    program = folder / "program"
    program.write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
    program.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr("edge.ops.programs.PYTHON", (str(program),))
    monkeypatch.setattr("edge.ops.supervisor.PYTHON", (str(program),))
    return Supervisor(folder, folder / "none.toml", wired=wired)


def test_link_has_a_smaller_share_than_those_who_decide(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    supervisor = stand_in(monkeypatch, tmp_path, "exec sleep 600")
    nice: dict[str, int] = {}

    def once() -> bool:
        pids = {name: supervisor.pid(name) for name in Supervisor.PROGRAMS}
        nice.update({n: os.getpriority(os.PRIO_PROCESS, pid) for n, pid in pids.items() if pid})
        return not nice

    assert not supervisor.run(once)
    mine = os.getpriority(os.PRIO_PROCESS, 0)
    assert nice == {"door": mine, "sight": mine, "link": min(19, mine + NETWORK_NICE)}


def test_what_a_program_is_refused_for_later_ends_no_other(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A slip in a running door's configuration, and sight ends: the exit button still works."""
    monkeypatch.setattr("edge.ops.supervisor.STEADY_S", 0.0)
    monkeypatch.setattr("edge.ops.supervisor.Backoff.next", lambda _self: 0.01)
    broken, ended = tmp_path / "broken", []
    supervisor = stand_in(monkeypatch, tmp_path, f"test -e {broken} && exit 2; exec sleep 600")
    told = logging.getLogger("edge.ops.supervisor")
    monkeypatch.setattr(told, "warning", lambda _text, name, *_: ended.append(name))
    first: dict[str, int] = {}

    def while_running() -> bool:
        pids = {n: pid for n in Supervisor.PROGRAMS if (pid := supervisor.pid(n)) is not None}
        if not first and len(pids) == len(Supervisor.PROGRAMS):
            first.update(pids)
        elif first and not broken.exists():
            broken.touch()
            os.kill(first["sight"], signal.SIGKILL)
        assert not first or pids["door"] == first["door"]
        return len(ended) < 3

    assert not supervisor.run(while_running)
    assert set(ended) == {"sight"}


REFUSED = 'case "$*" in *door*) exec sleep 600;; esac; exit 2'


def test_where_a_lock_is_wired_the_guard_goes_on_though_sight_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """After a power cut a slip elsewhere took the exit button, where systemd's units kept it."""
    monkeypatch.setattr("edge.ops.supervisor.Backoff.next", lambda _self: 0.01)
    ended: list[str] = []
    supervisor = stand_in(monkeypatch, tmp_path, REFUSED, wired=True)
    told = logging.getLogger("edge.ops.supervisor")
    monkeypatch.setattr(told, "warning", lambda _text, name, *_: ended.append(name))
    guards: set[int | None] = set()

    def while_running() -> bool:
        guards.add(supervisor.pid("door"))
        return ended.count("sight") < 3

    assert not supervisor.run(while_running)
    assert len(guards - {None}) == 1


def test_where_none_is_all_end_and_say_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with pytest.raises(SupervisorError, match="refused to start; what it says above must change"):
        stand_in(monkeypatch, tmp_path, REFUSED).run()


@pytest.mark.parametrize("said", ["", "printf READY=1 > /proc/self/fd/$EDGE_DOOR_SUPERVISED; "])
def test_a_program_that_freezes_is_started_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str
) -> None:
    """Before it ever lived, or after."""
    limit = "STARTING_S" if not said else "SILENCE_S"
    soon = 1.0 if not said else dict.fromkeys(Supervisor.PROGRAMS, 1.0)
    monkeypatch.setattr(f"edge.ops.supervisor.{limit}", soon)
    supervisor = stand_in(monkeypatch, tmp_path, f"{said}exec sleep 600")
    seen: list[int] = []

    def while_running() -> bool:
        pid = supervisor.pid("sight")
        if pid is not None and pid not in seen:
            seen.append(pid)
        return len(seen) < 2

    assert not supervisor.run(while_running)
    assert not alive(seen[0])


def test_a_program_tells_as_it_tells_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    signs, theirs = os.pipe2(os.O_NONBLOCK)
    monkeypatch.setenv(SUPERVISED, str(theirs))
    for _ in range(10_000):  # nobody reads: it does not wait
        heartbeat()
    assert os.read(signs, 10) == b"WATCHDOG=1"
    os.close(theirs)
    os.close(signs)
