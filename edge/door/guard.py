"""The relay guard: the process that owns the door's lines. `python -m edge.door.guard SETTINGS`.

With `--release` after the settings it only claims the lock's lines, drives them off and ends.

One loop, no thread, no network, standard library and pin library only. The order in a turn is the
order of importance: time and the lock's lines, switches, sight, lamps. Nothing in it waits, so
nothing delays the end of a pulse.

On every way out the lines are driven off here; where that cannot happen (SIGKILL, SIGSTOP, a
crash) the warden does it.
"""

from __future__ import annotations

import contextlib
import select
import signal
import socket
import sys
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from edge.door.holding import lock_lines, release
from edge.door.inputs import Debounced
from edge.door.lamps import OFF, PATTERNS, Pattern, challenge, lit
from edge.door.machine import Contact, Lock, Machine, Mode, Step
from edge.door.peer import Peer
from edge.door.readers import open_readers
from edge.door.say import say
from edge.door.settings import GuardSettings
from edge.door.tickets import Tickets
from edge.door.warden import BEAT_S
from edge.door.watchdog import KernelWatchdog
from edge.errors import EdgeDoorError
from edge.systemd import notify
from edge.wire.channel import Listener

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.door.outputs import Outputs
    from edge.door.pins import Pins
    from edge.door.warden import Warden
    from edge.wire.channel import Message


class Guard:
    """The loop, over lines that are claimed."""

    def __init__(self, settings: GuardSettings, pins: Pins, outputs: Outputs) -> None:
        now = time.monotonic()
        self._settings = settings
        self._pins = pins
        self._outputs = outputs
        self._machine = Machine(settings.rules)
        self._door = self._machine.start(now)
        self._tickets = Tickets(now)
        self._switches: dict[str, Debounced] = {}
        self._asked: tuple[Pattern, float] = (OFF, now)
        """What sight wants shown, and since when."""
        self._alarm_since: float | None = None
        self._told: Message = {}
        self._beat_at = now

    def run(self, warden: Warden) -> None:
        """Serve until SIGTERM or SIGINT.

        Raises:
            PinError: the board failed, or the warden is gone.
            WireError: the socket cannot be made.
        """
        self._outputs.drive(self._door)
        self._outputs.claim_others()
        self._claim_switches()
        self._readers = open_readers(self._settings.readers, self._pins)
        watchdog = KernelWatchdog(self._settings.watchdog) if self._settings.watchdog else None
        with _stop_signal() as stop, Listener(Path(self._settings.socket)) as listener:
            self._peer = Peer(listener, self._settings.peer_uid)
            notify("READY=1")
            say(f"ready: backend {self._settings.backend}, socket {self._settings.socket}")
            while not self._wait(stop, warden):
                self._turn()
                if time.monotonic() >= self._beat_at:
                    self._beat(warden, watchdog)
            notify("STOPPING=1")
        if watchdog:
            watchdog.disarm()

    def _wait(self, stop: socket.socket, warden: Warden) -> bool:
        """Sleep until something is due or readable; True when the guard is to stop."""
        now = time.monotonic()
        due = [self._beat_at, self._machine.deadline(self._door), self._lamps_due(now)]
        due += [switch.deadline for switch in self._switches.values()]
        due += [reader.deadline for reader in self._readers]
        if self._pins.poll_s is not None:
            due.append(now + self._pins.poll_s)
        sleep_s = max(0.0, min(at for at in due if at is not None) - now)
        readers = [reader for reader in self._readers if reader.fileno() >= 0]
        sources = [stop, warden, *readers, *self._peer.sources(), *self._pins.wakes()]
        ready, _, _ = select.select(sources, [], [], sleep_s)
        if warden in ready:
            warden.listen(time.monotonic())
        return stop in ready

    def _turn(self) -> None:
        now = time.monotonic()
        self._follow(self._machine.tick(self._door, now), now)
        edges = self._pins.edges()
        self._read_switches(now)
        self._serve(now)
        for reader in self._readers:
            for claim in reader.claims(edges, now):
                self._peer.send({"op": "claim", **claim})
        self._show(now)
        self._tell_state(now)

    def _beat(self, warden: Warden, watchdog: KernelWatchdog | None) -> None:
        now = time.monotonic()
        self._beat_at = now + BEAT_S
        warden.beat(now)
        notify("WATCHDOG=1")
        if watchdog:
            watchdog.feed()
        fault = self._outputs.check()
        if fault != self._door.fault:
            self._follow(self._machine.set_fault(self._door, now, fault), now)

    def _follow(self, step: Step, now: float) -> None:
        """Do what the machine says: the lines first, then the words."""
        self._door = step.door
        self._outputs.drive(step.door)
        for happening in step.happenings:
            self._peer.report(
                {"op": "event", "reason": happening.reason, "at": now, "detail": happening.detail}
            )
            if happening.reason == "unlocked":
                self._asked = (PATTERNS["granted"], now)

    # Switches

    def _claim_switches(self) -> None:
        for name, pin in self._settings.inputs.items():
            self._pins.claim_input(pin)
            # They start off, and the first turns tell.
            self._switches[name] = Debounced(self._settings.debounce_s, on=False)
        if "rex" in self._switches:  # one that is stuck must not open at every restart
            self._switches["rex"].on = self._pins.read(self._settings.inputs["rex"].line)
        if "contact" in self._switches:
            closed = self._pins.read(self._settings.inputs["contact"].line)
            self._switches["contact"].on = closed
            contact = Contact.CLOSED if closed else Contact.OPEN
            self._door = self._machine.set_contact(self._door, time.monotonic(), contact).door

    def _read_switches(self, now: float) -> None:
        for name, switch in self._switches.items():
            level = self._pins.read(self._settings.inputs[name].line)
            if switch.update(now, on=level):
                self._follow(self._switched(name, now, on=level), now)

    def _switched(self, name: str, now: float, *, on: bool) -> Step:
        machine, door = self._machine, self._door
        if name == "contact":
            return machine.set_contact(door, now, Contact.CLOSED if on else Contact.OPEN)
        if name == "fire":
            return machine.set_fire(door, now, on=on)
        if name == "tamper":
            return machine.set_tamper(door, now, on=on)
        if name == "interlock":
            return machine.set_other(door, now, busy=on)
        return machine.exit_button(door, now) if on else machine.tick(door, now)

    # Sight

    def _serve(self, now: float) -> None:
        for message in self._peer.packets():
            self._answer(message, time.monotonic())
        # After the packets: one who hung up makes room for one who comes.
        if self._peer.accept():
            self._told = {}
            self._tell_state(now)
            self._peer.resend()

    def _answer(self, message: Message, now: float) -> None:
        operation = message["op"]
        if operation in ("unlock", "hold"):
            self._ask(operation, message, now)
        elif operation == "lock":
            self._follow(self._machine.lock(self._door, now), now)
        elif operation == "mode":
            self._set_mode(message.get("mode"), now)
        elif operation == "signal":
            self._signal(message, now)
        elif operation == "status":
            self._told = {}
        elif operation == "ack":
            self._peer.acknowledge(message.get("n"))
        else:
            self._refuse("", "the door does not know this request")

    def _ask(self, operation: str, message: Message, now: float) -> None:
        ticket = message.get("ticket")
        why = ""
        if operation == "unlock":
            why = self._tickets.refuse(ticket, message.get("issued_at"), now)
        if not why:
            ask = self._machine.unlock if operation == "unlock" else self._machine.hold
            step = ask(self._door, now, str(ticket))
            self._follow(step, now)
            why = step.refused
        if why:
            self._refuse(ticket if isinstance(ticket, str) else "", why)

    def _set_mode(self, name: object, now: float) -> None:
        if name not in [mode.value for mode in Mode]:
            self._refuse("", "mode is normal, always_open or lock_down")
            return
        step = self._machine.set_mode(self._door, now, Mode(name))
        self._follow(step, now)
        if step.refused:
            self._refuse("", step.refused)

    def _signal(self, message: Message, now: float) -> None:
        name = message.get("pattern")
        pattern = PATTERNS.get(name) if isinstance(name, str) else None
        if name == "challenge" and "steps" in message:
            pattern = challenge(message["steps"])
        if pattern is None:
            self._refuse("", f"pattern is one of {', '.join(PATTERNS)}; steps: colour, ms, beep")
        elif pattern is not self._asked[0] or not pattern.repeat:
            self._asked = (pattern, now)

    def _refuse(self, ticket: str, why: str) -> None:
        self._peer.send({"op": "refused", "ticket": ticket[:64], "reason": why})

    def _tell_state(self, now: float) -> None:
        """Tell sight, if anything changed since it was told."""
        door = self._door
        state = {
            "op": "state",
            "lock": door.lock.value,
            "relay": self._outputs.relay,
            "contact": door.contact.value,
            "tamper": door.tamper,
            "fire": door.fire,
            "mode": door.mode.value,
            "fault": door.fault,
        }
        if state != self._told:
            self._told = state
            self._peer.send({**state, "at": now})

    # Lamps

    def _pattern(self, now: float) -> tuple[Pattern, float]:
        """What to show, and its age. An alarm goes before what sight wants."""
        if self._door.lock not in (Lock.FORCED, Lock.HELD):
            self._alarm_since = None
        elif self._alarm_since is None:
            self._alarm_since = now
        if self._alarm_since is not None:
            return PATTERNS["alarm"], now - self._alarm_since
        pattern, since = self._asked
        return pattern, now - since

    def _show(self, now: float) -> None:
        self._outputs.light(lit(*self._pattern(now))[0])

    def _lamps_due(self, now: float) -> float | None:
        if not self._settings.lamps:
            return None
        change_s = lit(*self._pattern(now))[1]
        return None if change_s is None else now + change_s


@contextlib.contextmanager
def _stop_signal() -> Iterator[socket.socket]:
    """A socket that becomes readable on SIGTERM and SIGINT."""
    read_end, write_end = socket.socketpair()
    write_end.settimeout(0)
    with read_end, write_end:
        before = signal.set_wakeup_fd(write_end.fileno())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        try:
            yield read_end
        finally:
            signal.set_wakeup_fd(before)


def serve(settings: GuardSettings) -> None:
    """Run the guard in this process until it is told to stop.

    Raises:
        PinError, WireError: it could not start, or not go on; the lock's lines are off.
    """
    with lock_lines(settings) as (pins, outputs, warden):
        Guard(settings, pins, outputs).run(warden)


def main() -> int:
    """Entry point: exit code 0 when told to stop, 1 on failure, 2 for settings it cannot read."""
    try:
        settings = GuardSettings.from_json(sys.argv[1])
    except (IndexError, ValueError, TypeError, KeyError):
        say("this program is started by `edge-door door`, which gives it its settings")
        return 2
    try:
        if sys.argv[2:] == ["--release"]:
            release(settings)
        else:
            serve(settings)
    except EdgeDoorError as error:
        say(str(error))
        return error.exit_code
    except Exception:  # noqa: BLE001 - the interpreter's own report could wait for a reader for ever
        say(traceback.format_exc())
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
