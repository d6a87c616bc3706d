"""door, sight and link under one roof: for a desk, a demonstration, a container.

Under systemd the three are units of their own; this does the same with less: it starts them in
order, starts again what died or froze, with a growing pause, and stops them in reverse order. It
holds no pin: the relay belongs to the guard, and the guard's death releases it.

It needs little of the configuration and gets that on its command line, so that the process which
does nothing but wait holds no parser, no models and no terminal in memory.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from signal import Signals
from typing import TYPE_CHECKING

from edge.backoff import Backoff
from edge.errors import EdgeDoorError
from edge.interrupt import end_at_once, put_off
from edge.ops.programs import command
from edge.process import PYTHON, ending, start_logging
from edge.stopping import StopSignal
from edge.systemd import SUPERVISED

if TYPE_CHECKING:
    from collections.abc import Callable

log = logging.getLogger(__name__)

STEADY_S = 60.0
"""A program that ran so long is healthy: the next pause is the first again."""
STOP_TIMEOUT_S = 8.0
SILENCE_S = {"door": 3.0, "sight": 15.0, "link": 60.0}
"""A program that gives no sign of life for so long is killed, as by WatchdogSec in its unit."""
STARTING_S = 120.0
"""The same before its first one: TimeoutStartSec of sight's unit."""
USAGE_EXIT = 2
NETWORK_NICE = 10
"""Of link: a tenth of sight's share where both want the processor, as CPUWeight in its unit says.
Not the idle class: on a board that is busy for a while an order to lock must still come through."""
PEER_NAMED = "--peer-named"
"""Has `edge-door door` listen to the one process that is named on its standard input."""
_POLL_S = 0.05
_PIPE = 1 << 16
_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_LIBC = ctypes.CDLL(None)


class SupervisorError(EdgeDoorError):
    """A program refuses its configuration, so starting it again would not help. Exit code 2."""

    exit_code = USAGE_EXIT


@dataclass
class _Child:
    """One program, its process, and when it may be started again."""

    name: str
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    backoff: Backoff = field(default_factory=lambda: Backoff(limit_s=30.0))
    start_at: float = 0.0
    signs: int | None = None
    """The pipe in which it says that it lives. Its own: link must not speak for sight."""
    silent_s: float = 0.0
    """Since it did so, counted in turns: who was stopped for a while has not listened."""
    patient_s: float = STARTING_S
    steady: bool = False
    """It has run for a while since the supervisor began: what it was told was right then."""

    def frozen(self) -> bool:
        """Whether it was silent for too long, this turn included."""
        self.silent_s += _POLL_S
        with contextlib.suppress(BlockingIOError):
            if self.signs is not None and os.read(self.signs, _PIPE):
                self.silent_s, self.patient_s = 0.0, SILENCE_S[self.name]
        return self.silent_s > self.patient_s


class Supervisor:
    """Runs the programs until it is asked to stop."""

    PROGRAMS = ("door", "sight", "link")

    def __init__(self, door_socket: Path, config_path: Path, *, wired: bool = False) -> None:
        """`wired`: a lock hangs on the guard, which then goes on though another is refused."""
        self._wired = wired
        self._door_socket = door_socket
        self._config_path = config_path
        self._children = [_Child(name) for name in self.PROGRAMS]

    def run(self, while_running: Callable[[], bool] | None = None) -> bool:
        """Start everything and keep it running until SIGTERM, SIGINT, or `while_running` is False.

        Returns:
            Whether it was a signal.

        Raises:
            SupervisorError: a program exited with a usage or configuration error, and never ran;
                where a lock is wired, the guard alone.
        """
        with StopSignal() as stop:
            try:
                while not stop.is_set() and (while_running is None or while_running()):
                    for child in self._children:
                        self._tend(child)
                    stop.wait(_POLL_S)
            finally:
                self._stop_all()
            return stop.is_set()

    def pid(self, name: str) -> int | None:
        """The process of a program, or None while it is down."""
        child = next(c for c in self._children if c.name == name)
        return child.process.pid if child.process and child.process.poll() is None else None

    def _tend(self, child: _Child) -> None:
        now = time.monotonic()
        if child.process is None:
            if now >= child.start_at and self._may_start(child):
                self._start(child)
            return
        code = child.process.poll()
        if code is None:
            child.steady = child.steady or now - child.started_at >= STEADY_S
            if child.frozen():
                log.warning("%s gave no sign of life for %g s", child.name, child.silent_s)
                child.process.kill()
                child.silent_s = 0.0
            return
        self._forget(child)
        needed = child.name == "door" or not self._wired
        if code == USAGE_EXIT and needed and not child.steady:  # else a slip took the exit button
            raise SupervisorError(f"{child.name} refused to start; what it says above must change")
        if code == 0 and child.name == "link":
            child.start_at = float("inf")  # no broker configured: nothing to do
            return
        if now - child.started_at >= STEADY_S:
            child.backoff.reset()
        pause_s = child.backoff.next()
        child.start_at = now + pause_s
        log.warning("%s ended (%s), starts again in %.1f s", child.name, _how(code), pause_s)

    def _may_start(self, child: _Child) -> bool:
        """At the first start the others wait for the guard, so that sight begins with a door."""
        first = child.name != "door" and not child.started_at
        return not first or self._door_socket.exists()

    def _start(self, child: _Child) -> None:
        door = child.name == "door"
        begin = _behind_the_others if child.name == "link" else _end_with_parent
        child.silent_s, child.patient_s = 0.0, STARTING_S
        child.signs, theirs = os.pipe2(os.O_NONBLOCK)
        child.process = subprocess.Popen(
            self._command(child.name),
            stdin=subprocess.PIPE if door else None,
            bufsize=0,
            env=os.environ | {SUPERVISED: str(theirs)},
            pass_fds=[theirs],
            preexec_fn=begin,  # noqa: PLW1509 - this process has one thread
        )
        os.close(theirs)
        child.started_at = time.monotonic()
        self._name_sight()

    def _command(self, name: str) -> list[str]:
        if name == "door":
            guard = [*PYTHON, "-m", "edge", "door", PEER_NAMED]
            return [*guard, "--config", str(self._config_path)]
        return command(name, self._config_path)

    def _name_sight(self) -> None:
        """Tell the guard which process is sight: no other may speak to it."""
        guard = self._children[0].process
        if guard is not None and guard.stdin is not None:
            with contextlib.suppress(OSError):  # it has just died; the next one is told again
                guard.stdin.write(b"%d\n" % (self.pid("sight") or 0))

    def _forget(self, child: _Child) -> None:
        if child.process is not None and child.process.stdin is not None:
            child.process.stdin.close()
        if child.signs is not None:
            os.close(child.signs)
        child.process = child.signs = None
        self._name_sight()

    def _stop_all(self) -> None:
        for child in reversed(self._children):
            if child.process is None:
                continue
            with contextlib.suppress(ProcessLookupError):
                child.process.terminate()
            try:
                child.process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                log.warning("%s does not stop; killing it", child.name)
                child.process.kill()
                child.process.wait()
            self._forget(child)


def _end_with_parent() -> None:
    """In a child: SIGTERM when the supervisor dies, however it dies. Kept over exec, not over fork.

    Children that went on alone would fight those of the next supervisor. Ctrl-C waits for them.
    """
    _LIBC.prctl(_PR_SET_PDEATHSIG, Signals.SIGTERM)
    put_off()


def _behind_the_others() -> None:
    """In link: a flood from the network must not take sight's time."""
    _end_with_parent()
    os.nice(NETWORK_NICE)


def _how(code: int) -> str:
    if code < 0:
        return f"killed by {Signals(-code).name}"
    return f"exit code {code}"


def main(door_socket: str, config_path: str, level: str, wired: str = "") -> int:
    """Run until SIGTERM or SIGINT; the exit code. `wired`: anything but nothing says yes."""
    end_at_once()
    start_logging(level)
    try:
        Supervisor(Path(door_socket), Path(config_path), wired=bool(wired)).run()
    except SupervisorError as error:
        said, code = ending(error)
        sys.stderr.write(f"edge-door: {said}\n")
        return code
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
