"""A board made of files, for tests, demonstrations and desks without hardware.

It behaves like the worst real one, a Raspberry Pi with its kernel's default: a line belongs to the
process that claimed it (flock) and is free when that dies, but **its level stays** until another
process drives it. So a relay that goes off after a crash was driven off by somebody, and the
trace shows by whom.

`RUN/fake-gpio.jsonl` has one line per level driven: `{"at": monotonic s, "line": 17, "high": true,
"on": true, "pid": 1234}`. `RUN/fake-gpio/` holds the claims (`line-17`) and the levels that stand
at the inputs (`input-27`, "0" or "1"; without a file, the pull decides).
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from edge.errors import PinError, reason_of
from edge.folders import make_folder
from edge.vocabulary import Pull

if TYPE_CHECKING:
    from pathlib import Path

    from edge.door.settings import InputPin, OutputPin

TRACE_BYTES = 4 << 20
"""A longer trace is set aside as `fake-gpio.jsonl.1`, replacing the one before."""


@dataclass(frozen=True, slots=True)
class Change:
    """One line of the trace: an output was driven to this level."""

    at: float
    line: int
    high: bool
    on: bool
    pid: int


class Board:
    """The outside of the board: what a multimeter and a finger on a button could do."""

    def __init__(self, run: Path | str) -> None:
        self.trace = f"{run}/fake-gpio.jsonl"
        self.folder = f"{run}/fake-gpio"
        self.socket = f"{self.folder}/changes.sock"

    def changes(self, line: int) -> list[Change]:
        """What was driven onto an output so far, oldest first."""
        try:
            with open(self.trace, encoding="ascii") as trace:
                text = trace.read()
        except FileNotFoundError:
            return []
        # The last row may be half written while we read.
        rows = [json.loads(row) for row in text.split("\n")[:-1]]
        return [Change(**row) for row in rows if row["line"] == line]

    def on(self, line: int) -> bool:
        """Whether an output is on now."""
        changes = self.changes(line)
        return bool(changes) and changes[-1].on

    def pulses(self, line: int) -> list[float]:
        """How long the output was on each time, seconds; one that is still on is not among them."""
        lengths = []
        since = None
        for change in self.changes(line):
            if change.on and since is None:
                since = change.at
            elif not change.on and since is not None:
                lengths.append(change.at - since)
                since = None
        return lengths

    def set_input(self, line: int, *, high: bool) -> None:
        """Put a level on a line, now, and keep it there; on an output this is a short circuit."""
        make_folder(self.folder)
        kept = f"{self.folder}/input-{line}"
        fresh = os.open(f"{kept}.new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        try:
            os.write(fresh, b"1" if high else b"0")
        finally:
            os.close(fresh)
        os.replace(f"{kept}.new", kept)
        note = json.dumps([line, high, time.monotonic()]).encode()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(0)
            # Nobody there: the next claim finds the level in the file. Too many changes at once:
            # this one is lost, as a kernel's full queue loses it; the level is not.
            with contextlib.suppress(FileNotFoundError, ConnectionRefusedError, BlockingIOError):
                sender.sendto(note, self.socket)

    def let_go(self, line: int) -> None:
        """Take the level that `set_input` put there away."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{self.folder}/input-{line}")

    def level(self, line: int, *, otherwise: bool) -> bool:
        """Whether a line is high: as it was set from outside, else as given."""
        try:
            with open(f"{self.folder}/input-{line}", encoding="ascii") as level:
                return level.read() == "1"
        except FileNotFoundError:
            return otherwise

    def record(self, change: Change) -> None:
        """Add to the trace; one write, so that two processes cannot mix their rows."""
        row = json.dumps(asdict(change)) + "\n"
        with contextlib.suppress(FileNotFoundError):
            if os.stat(self.trace).st_size > TRACE_BYTES:
                os.replace(self.trace, f"{self.trace}.1")
        trace = os.open(self.trace, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            os.write(trace, row.encode())
        finally:
            os.close(trace)


class FakeLines:
    """The inside: what a process can do that claims lines of the board."""

    poll_s: float | None = None

    def __init__(self, run: Path | str) -> None:
        self._board = Board(run)
        self._claims: dict[int, int] = {}
        self._outputs: dict[int, OutputPin] = {}
        self._levels: dict[int, bool] = {}
        self._watched: set[int] = set()
        self._socket: socket.socket | None = None

    def open_output(self, pin: OutputPin, *, high: bool) -> None:
        """Claim and drive a line."""
        self._claim(pin.line)
        self._outputs[pin.line] = pin
        self.write(pin.line, high=high)

    def open_input(self, pin: InputPin, *, edges: bool) -> None:
        """Claim a line; every change wakes, falls of `edges` lines are kept."""
        self._claim(pin.line)
        self._levels[pin.line] = pin.pull is Pull.UP
        if edges:
            self._watched.add(pin.line)
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._socket.settimeout(0)
            self._remove_socket()
            self._socket.bind(self._board.socket)
            os.chmod(self._board.socket, 0o600)

    def write(self, line: int, *, high: bool) -> None:
        """Drive an output and add it to the trace."""
        on = high == self._outputs[line].active_high
        try:
            self._board.record(Change(time.monotonic(), line, high, on, os.getpid()))
        except OSError as error:
            raise PinError(
                f"the fake board cannot write {self._board.trace}: {reason_of(error)}"
            ) from error
        self._levels[line] = high

    def read(self, line: int) -> bool:
        """The level of a line."""
        return self._board.level(line, otherwise=self._levels[line])

    def falls(self) -> list[tuple[int, float]]:
        """What happened at the inputs since the last call."""
        found: list[tuple[int, float]] = []
        while self._socket is not None:
            try:
                line, high, at = json.loads(self._socket.recv(256))
            except BlockingIOError:
                break
            if line in self._watched and not high:
                found.append((line, at))
        return found

    def wakes(self) -> tuple[int, ...]:
        """The socket that `Board.set_input` writes to."""
        return () if self._socket is None else (self._socket.fileno(),)

    def free(self) -> None:
        """Give all lines back; their levels stay."""
        for claim in self._claims.values():
            os.close(claim)
        self._claims.clear()
        if self._socket is not None:
            self._socket.close()
            self._socket = None
            self._remove_socket()

    def _remove_socket(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._board.socket)

    def _claim(self, line: int) -> None:
        try:
            make_folder(self._board.folder)
            path = f"{self._board.folder}/line-{line}"
            claim = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise PinError(
                f"the fake board cannot use {self._board.folder}: {reason_of(error)}"
            ) from error
        try:
            fcntl.flock(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(claim)
            raise PinError(
                f"line {line} is in use by another process: stop that one first"
            ) from error
        self._claims[line] = claim
