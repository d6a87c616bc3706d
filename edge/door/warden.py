"""A second process, forked by the guard, that drives the lock's lines off when the guard cannot.

Why a process and not only systemd or a kernel watchdog: it works the same under systemd, under
`edge-door run` and in a container; it needs no privilege and no hardware; and after a SIGKILL a
Raspberry Pi kernel keeps the relay driven, so somebody must write the off level, which neither
systemd's watchdog (it only kills) nor the kernel's (it resets the board, after seconds) would do.
Both can run beside it: they cover what stops guard and warden together.

Guard and warden watch each other over one socket pair. The guard sends a beat every `BEAT_S`, the
warden answers each. Silence for `SILENCE_S`: the warden kills the guard. The guard is gone without
a goodbye: the warden claims the lock's lines, drives them off, and ends. The warden is gone or
silent: the guard turns off and ends. A freeze prolongs a pulse by BEAT_S + SILENCE_S + the moment
it takes to claim a line at most, which is under 2 s.

Off means not energised: a fail-safe lock on the relay's NO contact is then unlocked, which is what
such a lock is for; a motor lock stays where it is, and the next guard begins by locking it.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import time
from typing import TYPE_CHECKING, NoReturn

from edge.door.pins import open_pins
from edge.door.say import say
from edge.errors import PinError

if TYPE_CHECKING:
    from edge.door.pins import Pins
    from edge.door.settings import GuardSettings

BEAT_S = 0.25
SILENCE_S = 1.2
CLAIM_S = 3.0
"""How long the warden tries to claim a line: the kernel may still be clearing up the guard."""

ALIVE = b"."
ARMED = b"!"
GOODBYE = b"x"


class Warden:
    """The guard's end of the socket pair."""

    def __init__(self, settings: GuardSettings) -> None:
        """Fork. Call it before any line is claimed: the warden must hold none of the guard's.

        Raises:
            PinError: the backend's library is missing; found here, since later is too late.
        """
        pins = open_pins(settings)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        guard = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            ours.close()
            _watch(theirs, guard, pins, settings)
        theirs.close()
        ours.settimeout(0)
        self._socket = ours
        self._heard_at = time.monotonic()

    def fileno(self) -> int:
        """Readable when the warden answered, or is gone."""
        return self._socket.fileno()

    def arm(self) -> None:
        """From now on the lines are ours: drive them off if we go."""
        self._socket.send(ARMED)

    def listen(self, now: float) -> None:
        """Take the warden's answers.

        Raises:
            PinError: it is gone; the guard must not go on without it.
        """
        try:
            while self._socket.recv(64):
                self._heard_at = now
        except BlockingIOError:
            return
        except OSError:
            pass
        raise PinError("the warden is gone; the guard does not run without it")

    def beat(self, now: float) -> None:
        """Show that the guard runs, and check that the warden does.

        Raises:
            PinError: it does not; the guard must not go on without it.
        """
        self.listen(now)
        if now - self._heard_at > SILENCE_S + BEAT_S:
            raise PinError("the warden does not answer; the guard does not run without it")
        with contextlib.suppress(OSError):  # full or gone: the next turn finds out
            self._socket.send(ALIVE)

    def dismiss(self) -> None:
        """All lines are off: the warden may go."""
        with contextlib.suppress(OSError):
            self._socket.send(GOODBYE)
        self.abandon()

    def abandon(self) -> None:
        """Hang up without a goodbye: the warden drives the lines off. Returns when it has."""
        self._socket.close()
        # It may be stopped; and it may be stuck, which must not keep the guard from ending.
        with contextlib.suppress(ProcessLookupError, ChildProcessError):
            os.kill(self.pid, signal.SIGCONT)
            deadline = time.monotonic() + 2 * CLAIM_S
            while os.waitpid(self.pid, os.WNOHANG) == (0, 0):
                if time.monotonic() > deadline:
                    os.kill(self.pid, signal.SIGKILL)
                time.sleep(0.005)


def _watch(guard_end: socket.socket, guard: int, pins: Pins, settings: GuardSettings) -> NoReturn:
    """The warden's life. Never returns into the guard's code."""
    code = 1
    try:
        # Ctrl-C and a service stop reach both: the guard ends in order, and we after it.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if _wait_for_end(guard_end, guard):
            drive_off(pins, settings)
            say("warden: the guard is gone, the lock's lines are off")
        code = 0
    except BaseException as error:  # noqa: BLE001 - this is the end of the process
        say(f"warden: {type(error).__name__}: {error}")
    finally:
        os._exit(code)


def _wait_for_end(guard_end: socket.socket, guard: int) -> bool:
    """Wait until the guard is gone. True: without a goodbye, while it had lines claimed."""
    armed = False
    while True:
        ready, _, _ = select.select([guard_end], [], [], SILENCE_S if armed else None)
        if not ready:
            # Unless it has just died and its number belongs to another process by now.
            if os.getppid() == guard:
                os.kill(guard, signal.SIGKILL)
                say(f"warden: the guard gave no sign of life for {SILENCE_S} s and was killed")
            return True
        try:
            heard = guard_end.recv(256)
        except ConnectionResetError:
            heard = b""
        if GOODBYE in heard:
            return False
        if not heard:
            return armed
        armed = armed or ARMED in heard
        # A guard that has just died is noticed at the next recv.
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            guard_end.send(ALIVE)


def drive_off(pins: Pins, settings: GuardSettings) -> None:
    """Claim the lock's lines, drive them off, and give them back.

    Raises:
        PinError: a line could not be claimed for `CLAIM_S`.
    """
    deadline = time.monotonic() + CLAIM_S
    for pin in (settings.relay, settings.relock):
        while pin is not None:
            try:
                pins.claim_output(pin, on=False)
                break
            except PinError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.005)
    pins.close()
