"""The door as sight deals with it: grants become tickets, and what the guard says is written."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from edge.records import EventKind, Reason

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from edge.sight.guard_client import Lock
    from edge.sight.journal import Journal
    from edge.wire.channel import Message

log = logging.getLogger(__name__)

MODE_EVERY_S = 2.0
"""`always_open` is a lease that the guard forgets after 5 s; a new guard knows no mode at all."""
_STATES = ("lock", "contact", "mode")


class Doorside:
    """Opens for grants that are on the disk, and keeps the guard's word."""

    def __init__(self, lock: Lock, journal: Journal, on_claim: Callable[[str, str], None]) -> None:
        """`on_claim(source, value)` hears of cards and PINs that were presented."""
        self._lock = lock
        self._journal = journal
        self._on_claim = on_claim
        self._entrant: str | None = None
        self._was_there = True
        self._mode = "normal"
        self._mode_at = 0.0

    @property
    def ready(self) -> bool:
        """Whether a guard answers."""
        return self._lock.connected

    def open_for(
        self,
        reason: Reason,
        person: str | None,
        *,
        at: float | None = None,
        states: Mapping[str, str] | None = None,
        detail: Mapping[str, str | float | bool] | None = None,
    ) -> Reason:
        """Write a grant, then send its ticket: `reason`, or why the door stays shut.

        Durable before visible: the door opens only for a grant that is on the disk.
        """
        written = self._journal.note(
            EventKind.ACCESS, reason, at=at, person=person, states=states, detail=detail
        )
        if not written:
            return Reason.LEDGER_UNAVAILABLE
        if self._lock.unlock() is None:
            self._journal.note(EventKind.ACCESS, Reason.DOOR_UNAVAILABLE, person=person)
            return Reason.DOOR_UNAVAILABLE
        self._entrant = person
        log.info("%s: %s", reason.value, person)
        return reason

    def relock(self) -> bool:
        """Ask for the relay off now: whether a guard took it."""
        return self._lock.relock()

    def signal(self, pattern: str, steps: Sequence[Message] = ()) -> None:
        """Show a pattern on the LED and the buzzer, where there are any."""
        self._lock.signal(pattern, steps)

    def set_mode(self, mode: str) -> None:
        """`normal`, `always_open` or `lock_down`, from now on."""
        self._mode_at = 0.0 if mode != self._mode else self._mode_at
        self._mode = mode

    def attend(self) -> None:
        """Hear what the guard says and keep it in its mode; never blocks."""
        messages = self._lock.poll()
        self._tell_presence()
        for message in messages:
            try:
                self._hear(message)
            except (KeyError, ValueError, TypeError) as error:
                log.warning("the relay guard said what cannot be read: %r", error)
        if self._lock.connected and time.monotonic() - self._mode_at >= MODE_EVERY_S:
            self._mode_at = time.monotonic()
            self._lock.set_mode(self._mode)

    def _tell_presence(self) -> None:
        there = self._lock.connected
        if there is self._was_there:
            return
        self._was_there = there
        self._mode_at = 0.0
        log.warning("the relay guard %s", "is back" if there else "does not answer")
        reason = Reason.DOOR_BACK if there else Reason.DOOR_LOST
        self._journal.note(EventKind.SYSTEM, reason)

    def _hear(self, message: Message) -> None:
        if message["op"] == "state":
            states = {name: str(message[name]) for name in _STATES if name in message}
            states["tamper"] = "on" if message["tamper"] else "off"
            self._journal.keep(states)
        elif message["op"] == "event":
            self._write(message)
        elif message["op"] == "claim":
            self._on_claim(str(message["source"]), str(message["value"]))
        elif message["op"] == "refused":
            log.warning("the relay guard refused: %s", message.get("reason"))

    def _write(self, message: Message) -> None:
        reason = Reason(message["reason"])
        detail: dict[str, str | float | bool] = {
            str(key): value
            for key, value in dict(message.get("detail") or {}).items()
            if isinstance(value, str | float | bool)
        }
        ours = reason in (Reason.UNLOCKED, Reason.LOCKED) and detail.get("cause") != "rex"
        person = self._entrant if ours else None
        at = float(message["at"])
        # Not written, not acknowledged: the guard says it again at the next connection.
        if self._journal.note(EventKind.DOOR, reason, at=at, person=person, detail=detail):
            self._lock.acknowledge(int(message["n"]))
        if reason is Reason.LOCKED:
            self._entrant = None
