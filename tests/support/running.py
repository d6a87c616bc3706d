"""A whole door for tests: a configuration in a folder, the real programs, and what came of them."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from typing_extensions import Self

from edge.config import Config, load
from edge.door.pins.fake import Board
from edge.errors import LedgerError
from edge.ledger.ledger import Ledger
from edge.records import Event, Reason
from tests.support.forked import edge_door
from tests.support.waiting import until

PULSE_S = 0.6


class Door:
    """door, sight and link as `edge-door run` runs them."""

    def __init__(self, folder: Path, source: Path | str, **tables: dict[str, Any]) -> None:
        self.folder = folder
        self.path = folder / "edge-door.toml"
        settings: dict[str, dict[str, Any]] = {
            "device": {"id": "test"},
            "paths": {
                "state": str(folder / "state"),
                "run": str(folder / "run"),
                "release": str(folder / "opt" / "release"),
            },
            # A loaded machine is slow; who tests staleness says so.
            "camera": {"source": str(source), "stale_after_s": 10},
            "door": {"backend": "fake", "pulse_s": PULSE_S},
        }
        for name, table in tables.items():
            settings.setdefault(name, {}).update(table)
        self.path.write_text(_toml(settings), encoding="utf-8")
        self.config: Config = load(self.path)
        self.board = Board(folder / "run")
        self.process: subprocess.Popen[bytes] | None = None

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run `edge-door ARGUMENTS --config FILE` to its end."""
        return edge_door(*arguments, "--config", str(self.path))

    def enroll(self, name: str, *arguments: str) -> None:
        done = self.command("enroll", name, *arguments)
        assert done.returncode == 0, done.stderr

    def hold(self, state: Path) -> None:
        """Begin with a copy of what another door holds."""
        shutil.copytree(state, self.config.paths.state, dirs_exist_ok=True)

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "edge", "run", "--config", str(self.path)],
                stdout=log,
                stderr=log,
            )

    def stop(self) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
            self.process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def events(self) -> list[Event]:
        try:
            with Ledger.open(self.config.ledger_db, "test", read_only=True) as ledger:
                return [stored.event for stored in ledger.events(limit=10_000)]
        except LedgerError:  # not made yet
            return []

    def reasons(self) -> list[Reason]:
        return [event.reason for event in self.events()]

    def wait_for(self, reason: Reason, timeout_s: float = 120.0, *, count: int = 1) -> None:
        """Wait until the ledger holds `count` events with this reason."""
        deadline = time.monotonic() + timeout_s
        while self.reasons().count(reason) < count:
            assert time.monotonic() < deadline, (
                f"no {reason.value} within {timeout_s} s; there were "
                f"{[r.value for r in self.reasons()]}\n{self.log()}"
            )
            time.sleep(0.1)

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")

    def pulses(self) -> list[float]:
        return self.board.pulses(self.config.door.relay_pin)

    def pid_of(self, name: str) -> int | None:
        """The process of one program of this very door; of the guard, not of its warden."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                words = (
                    (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
                )
                ours = str(self.folder).encode()
                if any(ours in word for word in words) and _is_program(words, name):
                    parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                    found.append((int(entry.name), parent))
        pids = {pid for pid, _ in found}
        return next((pid for pid, parent in found if parent not in pids), None)

    def kill(self, name: str) -> int:
        """SIGKILL one program; its process number."""
        pid = self.pid_of(name)
        assert pid is not None, f"{name} does not run"
        os.kill(pid, signal.SIGKILL)
        return pid

    def wait_for_another(self, name: str, killed: int) -> None:
        """Until a program that was killed runs again."""
        until(lambda: self.pid_of(name) not in (None, killed))


def _is_program(words: list[bytes], name: str) -> bool:
    wanted = b"edge.door.guard" if name == "door" else name.encode()
    return wanted in words


def _toml(settings: dict[str, dict[str, Any]]) -> str:
    lines = []
    for table, values in settings.items():
        lines.append(f"[{table}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in values.items()]
    return "\n".join(lines) + "\n"
