"""The relay guard: the process that owns the door's lines. `python -m edge.door.guard SETTINGS`.

With `--release` after the settings it only claims the lock's lines, drives them off and ends.

One loop, no thread, no network, standard library and pin library only. The order in a turn is the
order of importance: time and the lock's lines, switches, sight, lamps. Nothing in it waits, so
nothing delays the end of a pulse.

On every way out the lines are driven off here; where that cannot happen (SIGKILL, SIGSTOP, a
crash) the warden does it.
"""

from __future__ import annotations

import select
import sys
import time
import traceback
from typing import TYPE_CHECKING

from edge.door.chatter import Chatter
from edge.door.holding import lock_lines, release
from edge.door.inputs import Debounced
from edge.door.lamps import ALARM, OFF, PATTERNS, Pattern, lit, pattern_of
from edge.door.machine import Machine, Step
from edge.door.peer import NamedPeer, SightPeer
from edge.door.readers import open_readers
from edge.door.say import say
from edge.door.settings import GuardSettings
from edge.door.tickets import Tickets
from edge.door.warden import BEAT_S
from edge.door.watchdog import KernelWatchdog
from edge.errors import EdgeDoorError
from edge.interrupt import take
from edge.stopping import StopSignal
from edge.systemd import notify
from edge.vocabulary import Reason
from edge.wire.channel import Listener
from edge.wire.messages import (
    Acknowledge,
    AskState,
    Contact,
    Cue,
    Happened,
    LockState,
    Refused,
    Relock,
    SetMode,
    Signal,
    State,
    Unlock,
    Unreadable,
)

if TYPE_CHECKING:
    from edge.door.outputs import Outputs
    from edge.door.pins import Pins
    from edge.door.warden import Warden
    from edge.wire.messages import Message


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
        self._chatter = Chatter()
        self._switches: dict[str, Debounced] = {}
        self._asked: tuple[Pattern, float] = (OFF, now)
        """What sight wants shown, and since when."""
        self._alarm_since: float | None = None
        self._told: State | None = None
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
        with StopSignal() as stop, Listener(self._settings.socket) as listener:
            named = NamedPeer() if self._settings.peer_named else None
            self._peer = SightPeer(listener, self._settings.peer_uid, named)
            notify("READY=1")
            say(f"ready: backend {self._settings.backend}, socket {self._settings.socket}")
            while not self._wait(stop, warden):
                self._turn()
                if time.monotonic() >= self._beat_at:
                    self._beat(warden, watchdog)
            notify("STOPPING=1")
        if watchdog:
            watchdog.disarm()

    def _wait(self, stop: StopSignal, warden: Warden) -> bool:
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
        return stop.is_set()

    def _turn(self) -> None:
        now = time.monotonic()
        self._follow(self._machine.tick(self._door, now), now)
        edges = self._pins.edges()
        self._read_switches(now)
        self._serve()
        for reader in self._readers:
            for claim in reader.claims(edges, now):
                self._peer.send(claim)
        self._show(now)
        self._tell_state()

    def _beat(self, warden: Warden, watchdog: KernelWatchdog | None) -> None:
        now = time.monotonic()
        self._beat_at = now + BEAT_S
        warden.beat(now)
        notify("WATCHDOG=1")
        if watchdog:
            watchdog.feed()
        for told in self._chatter.late(now):
            self._peer.report(told)
        fault = self._outputs.check()
        if fault != self._door.fault:
            self._follow(self._machine.set_fault(self._door, now, fault), now)

    def _follow(self, step: Step, now: float) -> None:
        """Do what the machine says: the lines first, then the words."""
        self._door = step.door
        self._outputs.drive(step.door)
        for happening in step.happenings:
            happened = Happened(happening.reason, now, happening.detail)
            if told := self._chatter.pass_on(happened, now):
                self._peer.report(told)
            if happening.reason is Reason.UNLOCKED:
                self._asked = (PATTERNS[Cue.GRANTED], now)

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

    def _serve(self) -> None:
        for message in self._peer.messages():
            self._answer(message, time.monotonic())
        # After the packets: one who hung up makes room for one who comes.
        if self._peer.accept():
            self._told = None

    def _answer(self, message: Message | Unreadable, now: float) -> None:
        match message:
            case Unlock():
                self._unlock(message, now)
            case Relock():
                self._follow(self._machine.lock(self._door, now), now)
            case SetMode(mode):
                step = self._machine.set_mode(self._door, now, mode)
                self._follow(step, now)
                self._refuse(step.refused)
            case Signal():
                self._signal(message, now)
            case AskState():
                self._told = None
            case Acknowledge(number):
                self._peer.acknowledge(number)
            case Unreadable(why):
                self._refuse(why)
            case _:
                self._refuse("this is not for the door")

    def _unlock(self, asked: Unlock, now: float) -> None:
        why = self._tickets.refuse(asked.ticket, asked.issued_at, now)
        if not why:
            step = self._machine.unlock(self._door, now, asked.ticket)
            self._follow(step, now)
            why = step.refused
        self._refuse(why, asked.ticket)

    def _signal(self, asked: Signal, now: float) -> None:
        pattern = pattern_of(asked.cue, asked.steps)
        if pattern is None:
            self._refuse("a challenge has a few flashes of 0.02 to 10 s")
        elif pattern is not self._asked[0] or not pattern.repeat:
            self._asked = (pattern, now)

    def _refuse(self, why: str, ticket: str = "") -> None:
        """Say why a request was not followed; nothing when it was."""
        if why:
            self._peer.send(Refused(why, ticket[:64]))

    def _tell_state(self) -> None:
        """Tell sight, if anything changed since it was told."""
        door = self._door
        state = State(
            lock=door.lock,
            relay=self._outputs.relay,
            contact=door.contact,
            tamper=door.tamper,
            fire=door.fire,
            mode=door.mode,
            fault=door.fault,
        )
        caught_up = self._peer.catch_up()  # first: a state stands for all that happened before it
        if caught_up and state != self._told:
            self._told = state
            self._peer.send(state)

    # Lamps

    def _pattern(self, now: float) -> tuple[Pattern, float]:
        """What to show, and its age. An alarm goes before what sight wants."""
        if self._door.lock not in (LockState.FORCED, LockState.HELD):
            self._alarm_since = None
        elif self._alarm_since is None:
            self._alarm_since = now
        if self._alarm_since is not None:
            return ALARM, now - self._alarm_since
        pattern, since = self._asked
        return pattern, now - since

    def _show(self, now: float) -> None:
        self._outputs.light(lit(*self._pattern(now))[0])

    def _lamps_due(self, now: float) -> float | None:
        if not self._settings.lamps:
            return None
        change_s = lit(*self._pattern(now))[1]
        return None if change_s is None else now + change_s


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
        take()
        if sys.argv[2:] == ["--release"]:
            release(settings)
        else:
            serve(settings)
    except EdgeDoorError as error:
        say(str(error))
        return error.exit_code
    except KeyboardInterrupt:  # while it starts; once it serves, it ends as told
        return 0
    except Exception:  # noqa: BLE001 - the interpreter's own report could wait for a reader for ever
        say(traceback.format_exc())
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
