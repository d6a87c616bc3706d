"""Ctrl-C at any moment of any command: no word, and nothing half written."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge.interrupt import INTERRUPTED
from tests.support.forked import unmeasured
from tests.support.running import Door

MOMENTS = 30
BEGUN = "from edge.cli import main; print(flush=True); main()"
"""Before, Python itself starts, and Ctrl-C is Python's to tell of."""
COMMANDS = (
    ("enroll", "Eileen", "STILLS", "--replace"),
    ("enroll", "--from", "ALBUM", "--replace"),
    ("people", "rename", "Eileen", "Ellen"),
    ("people", "remove", "Eileen"),
    ("credentials", "add-card", "Eileen", "77"),
    ("ledger", "backup", "MADE/copy.db"),
    ("audit", "export", "MADE/events.csv", "--format", "csv"),
    ("vault", "rekey"),
    ("keys", "make", "Bea", "--out", "MADE/bea.key"),
    ("office", "init"),
)
LOOKS = (("people", "list"), ("ledger", "check"), ("audit", "verify"))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words[:2]))
def test_ctrl_c_is_quiet_and_leaves_all_or_nothing(
    door: Door, stills: Path, tmp_path: Path, words: tuple[str, ...]
) -> None:
    door.enroll("Eileen", str(stills))
    shutil.copytree(stills, tmp_path / "album" / "Eileen")
    places = {"STILLS": stills, "ALBUM": tmp_path / "album", "MADE": tmp_path / "made"}
    before = tmp_path / "before"
    shutil.copytree(door.config.paths.state, before)
    whole_s, moments = _run(door, words, places, None), random.Random(" ".join(words))
    for _ in range(MOMENTS // len(COMMANDS)):
        shutil.rmtree(door.config.paths.state)
        shutil.copytree(before, door.config.paths.state)
        _run(door, words, places, moments.uniform(0, whole_s))
        for look in LOOKS:
            done = door.command(*look)
            assert done.returncode == 0, done.stderr


def _run(door: Door, words: tuple[str, ...], places: dict[str, Path], at: float | None) -> float:
    """Seconds that it took; interrupted `at` so many, as a terminal does it."""
    shutil.rmtree(places["MADE"], ignore_errors=True)
    places["MADE"].mkdir()
    typed = [_spelt(word, places) for word in words]
    process = subprocess.Popen(
        [sys.executable, "-c", BEGUN, *typed, "--config", str(door.path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=unmeasured(),
        start_new_session=True,
    )
    assert process.stdout is not None
    process.stdout.readline()
    begin = time.monotonic()
    if at is not None:
        time.sleep(at)  # a random moment, which may come too late
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGINT)
    _, said = process.communicate(timeout=60)
    if process.returncode:
        assert at is not None, said
        assert process.returncode in (INTERRUPTED, -signal.SIGINT)  # -2: Python was at its end
        assert said == ""
        assert all(path.name in {"copy.db", "events.csv", "bea.key"} for path in _files(places))
    return time.monotonic() - begin


def _spelt(word: str, places: dict[str, Path]) -> str:
    for name, place in places.items():
        word = word.replace(name, str(place))
    return word


def _files(places: dict[str, Path]) -> list[Path]:
    return [path for path in places["MADE"].rglob("*") if path.is_file()]


PRESSED = """
import os, signal, sys
if b{program!r} in open("/proc/self/cmdline", "rb").read().split(bytes(1)):
    os.killpg(0, signal.SIGINT)
"""
"""Python imports it as it starts, long before the first line of a program."""


@pytest.mark.parametrize(
    ("typed", "program"),
    [
        (["sight"], "edge.ops.programs"),
        (["link"], "edge.ops.programs"),
        (["door"], "edge.door.guard"),
        (["door", "test"], "edge.door.wiring"),
        (["run"], "edge.ops.supervisor"),
        (["run"], "edge.door.guard"),
        (["run"], "sight"),
    ],
    ids=" ".join,
)
def test_ctrl_c_is_quiet_while_a_command_becomes_its_program(
    tmp_path: Path, typed: list[str], program: str
) -> None:
    door = Door(tmp_path, "/dev/null")
    assert door.command("init").returncode == 0
    (tmp_path / "sitecustomize.py").write_text(PRESSED.format(program=program))
    done = subprocess.run(
        [sys.executable, "-m", "edge", *typed, "--config", str(door.path)],
        env=unmeasured() | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    assert "Traceback" not in done.stderr + done.stdout
    assert done.returncode in (0, INTERRUPTED)


def test_ctrl_c_that_python_drops_is_heard_all_the_same() -> None:
    """As in a destructor, or a callback of the lock of a module that is being imported."""
    script = (
        "import os, signal, time; from edge.interrupt import end_in_order\n"
        "class Held:\n"
        "    def __del__(self):\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "        for _ in range(9): pass\n"
        "end_in_order()\n"
        "Held()\n"
        "signal.pause()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (INTERRUPTED, "", "")
