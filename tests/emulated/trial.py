"""Runs inside an emulated machine: starts the real guard on real GPIO, hurts it, times the line.

One JSON object a trial on standard output. Standard library, gpiod and this project only.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edge.door.machine import Rules
from edge.door.settings import GuardSettings, InputPin, OutputPin
from edge.errors import WireError
from edge.wire.channel import Channel
from edge.wire.messages import Unlock

if TYPE_CHECKING:
    from collections.abc import Callable

RELAY = 17
REX = 27
PULSE_S = 2.0
START_S = 120.0
RUN = Path("/tmp/edge-door")  # noqa: S108 - the guest has nobody else
SIM = os.environ.get("EDGE_DOOR_GPIO_SIM")
CHIP = os.environ.get("EDGE_DOOR_GPIO_CHIP", "/dev/gpiochip0")


def line() -> str:
    """What the relay's line does: `driven high`, `driven low` or `input`."""
    if SIM:
        value = Path(SIM, f"sim_gpio{RELAY}/value").read_text(encoding="ascii").strip()
        return "driven high" if value == "1" else "input"  # a line that nobody drives reads 0
    pins = next(Path("/sys/kernel/debug/pinctrl").glob("*/pins")).read_text(encoding="ascii")
    row = next(row for row in pins.splitlines() if f"(gpio{RELAY})" in row)
    # QEMU has no pull resistors, so the level counts only where the pin is an output.
    if "gpio_out" not in row:
        return "input"
    return "driven high" if " hi" in row else "driven low"


@dataclass
class Running:
    """A guard, its warden, and sight's end of the socket."""

    process: subprocess.Popen[bytes]
    channel: Channel

    @property
    def warden(self) -> int:
        """The guard's only child."""
        pid = self.process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
        return int(children[0])

    def unlock(self) -> float:
        """Unlock, and wait until the line is driven; the monotonic time then."""
        ticket = secrets.token_hex(16)
        asked_at = time.monotonic()
        self.channel.send(Unlock(ticket, asked_at))
        until(lambda: line() == "driven high", 5.0)
        return time.monotonic()


def until(what: Callable[[], bool], limit_s: float) -> bool:
    """Wait until it is so, looking every millisecond; False when it never was."""
    deadline = time.monotonic() + limit_s
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.001)
    return True


def start(watchdog: str = "") -> Running:
    """Start a guard and connect to it."""
    settings = GuardSettings(
        backend="gpiod",
        chip=CHIP,
        run=str(RUN),
        socket=str(RUN / "door.sock"),
        peer_uid=os.getuid(),
        relay=OutputPin(RELAY),
        inputs={"rex": InputPin(REX)},
        debounce_s=0.03,
        rules=Rules(pulse_s=PULSE_S, held_open_s=30.0, open_grace_s=1.0),
        watchdog=watchdog,
    )
    process = subprocess.Popen([sys.executable, "-m", "edge.door.guard", settings.to_json()])
    deadline = time.monotonic() + START_S
    while True:
        try:
            return Running(process, Channel.connect(RUN / "door.sock"))
        except WireError:
            if time.monotonic() > deadline or process.poll() is not None:
                raise
            time.sleep(0.05)


def tell(name: str, **figures: object) -> None:
    """One result."""
    sys.stdout.write(json.dumps({"trial": name, **figures}) + "\n")
    sys.stdout.flush()


def hurt(name: str, action: Callable[[Running], None]) -> None:
    """Energise, do it, and tell how long the line stayed driven high after that."""
    guard = start()
    try:
        unlocked_at = guard.unlock()
        time.sleep(0.3)
        before = line()
        hurt_at = time.monotonic()
        action(guard)
        released = until(lambda: line() != "driven high", 6.0)
        now = time.monotonic()
        tell(
            name,
            before=before,
            after=line(),
            released_ms=round((now - hurt_at) * 1000, 1) if released else None,
            on_s=round(now - unlocked_at, 3),
        )
    finally:
        guard.channel.close()
        with_force(guard)


def with_force(guard: Running) -> None:
    """End a guard that may be stopped, and wait for its warden to be gone too."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(guard.process.pid, signal.SIGKILL)
    guard.process.wait()


def kill_both(guard: Running) -> None:
    """What the kernel does when memory ends, at its worst: nobody is left to drive the line."""
    warden = guard.warden
    os.kill(warden, signal.SIGSTOP)
    os.kill(guard.process.pid, signal.SIGKILL)
    os.kill(warden, signal.SIGKILL)


def exit_button() -> None:
    """Press the exit button with sight dead: the door opens, and the pulse ends."""
    guard = start()
    guard.channel.close()
    pull = Path(str(SIM), f"sim_gpio{REX}/pull")
    pull.write_text("pull-up", encoding="ascii")
    time.sleep(0.3)
    pressed_at = time.monotonic()
    pull.write_text("pull-down", encoding="ascii")
    opened = until(lambda: line() == "driven high", 2.0)
    opened_at = time.monotonic()
    until(lambda: line() != "driven high", PULSE_S + 2)
    closed_at = time.monotonic()
    guard.process.terminate()
    tell(
        "exit button",
        opened=opened,
        reaction_ms=round((opened_at - pressed_at) * 1000, 1),
        on_s=round(closed_at - opened_at, 3),
        exit_code=guard.process.wait(),
    )


def freeze_everything() -> None:
    """Stop guard and warden at once: only the board's own watchdog is left to act."""
    guard = start("/dev/watchdog")
    guard.unlock()
    for pid in (guard.warden, guard.process.pid):
        os.kill(pid, signal.SIGSTOP)
    tell("frozen", before=line())
    time.sleep(90)
    tell("survived", after=line())


def main() -> None:
    """The trials named on the command line."""
    trials: dict[str, Callable[[Running], None]] = {
        "pulse": lambda _guard: None,
        "terminate": lambda guard: guard.process.terminate(),
        "kill": lambda guard: guard.process.kill(),
        "stop": lambda guard: os.kill(guard.process.pid, signal.SIGSTOP),
        "segfault": lambda guard: os.kill(guard.process.pid, signal.SIGSEGV),
        "kill both": kill_both,
    }
    alone = {"exit button": exit_button, "freeze everything": freeze_everything}
    for name in sys.argv[1:]:
        if name in alone:
            alone[name]()
        else:
            hurt(name, trials[name])


if __name__ == "__main__":
    main()
