"""The door as sight deals with it: grants become tickets, and what the guard says is written."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from edge.records import EventKind, Reason
from edge.sight.journal import Entry
from edge.wire.messages import (
    Happened,
    LockState,
    Mode,
    Presented,
    Refused,
    State,
    Unreadable,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from edge.sight.guard_client import GuardClient
    from edge.sight.journal import Journal
    from edge.wire.messages import Cue, Detail, Flash, Message

log = logging.getLogger(__name__)

MODE_EVERY_S = 2.0
"""`always_open` is a lease that the guard forgets after 5 s; a new guard knows no mode at all."""

GATHER_S = 5.0
"""How long somebody's play with a switch is gathered: each sync keeps a decision waiting. The guard
keeps what was not acknowledged; only a power cut of the whole device takes it."""
ORDINARY = frozenset({Reason.REX, Reason.OPENED, Reason.CLOSED, Reason.UNLOCKED, Reason.LOCKED})
"""What is gathered then; everything else is written at once, and these with it."""

MAX_UNWRITTEN = 1000
"""Happenings that wait for a ledger that fails; the guard keeps as many."""


class Doorside:
    """Opens for grants that are on the disk, and keeps the guard's word."""

    def __init__(
        self, guard: GuardClient, journal: Journal, on_presented: Callable[[Presented], None]
    ) -> None:
        """`on_presented` hears of cards and PINs."""
        self._guard = guard
        self._journal = journal
        self._on_presented = on_presented
        self._asked: tuple[str, str | None] = "", None
        """The newest ticket, and for whom."""
        self._entrant: str | None = None
        """For whom the guard has unlocked."""
        self._turned_away: list[str | None] = []
        self._was_there = True
        self._mode = Mode.NORMAL
        self._mode_at = 0.0
        self._heard: list[tuple[Entry, int]] = []
        """What happened, with the guard's numbers, and is not written yet."""
        self._states: dict[str, str] = {}
        self._written_at = self._played_until = float("-inf")
        self._unlocked = journal.newest_of(Reason.UNLOCKED, Reason.LOCKED) is Reason.UNLOCKED
        """The record says so; nobody may have seen the lock fall."""

    @property
    def ready(self) -> bool:
        """Whether a guard answers."""
        return self._guard.connected

    @property
    def locked_down(self) -> bool:
        """Whether the guard is to refuse every ticket."""
        return self._mode is Mode.LOCK_DOWN

    def open_for(
        self,
        reason: Reason,
        person: str | None,
        *,
        at: float | None = None,
        states: Mapping[str, str] | None = None,
        detail: Detail | None = None,
    ) -> Reason:
        """Write a grant, then send its ticket: `reason`, or why the door stays shut.

        Durable before visible: the door opens only for a grant that is on the disk.
        """
        if self.locked_down:
            self._journal.note(EventKind.ACCESS, Reason.LOCK_DOWN, at=at, person=person)
            return Reason.LOCK_DOWN
        written = self._journal.note(
            EventKind.ACCESS, reason, at=at, person=person, states=states, detail=detail
        )
        if not written:
            return Reason.LEDGER_UNAVAILABLE
        ticket = self._guard.unlock()
        if ticket is None:
            self._journal.note(EventKind.ACCESS, Reason.DOOR_UNAVAILABLE, person=person)
            return Reason.DOOR_UNAVAILABLE
        self._asked = ticket, person
        log.info("%s: %s", reason.value, person)
        return reason

    def turned_away(self) -> list[str | None]:
        """For whom the guard refused to open since the last call."""
        people, self._turned_away = self._turned_away, []
        return people

    def relock(self) -> bool:
        """Ask for the relay off now: whether a guard took it."""
        return self._guard.relock()

    def signal(self, cue: Cue, steps: tuple[Flash, ...] = ()) -> None:
        """Show this on the LED and the buzzer, where there are any."""
        self._guard.signal(cue, steps)

    def set_mode(self, mode: Mode) -> None:
        """The mode from now on."""
        self._mode_at = 0.0 if mode is not self._mode else self._mode_at
        self._mode = mode

    def attend(self) -> None:
        """Hear what the guard says and keep it in its mode; never blocks."""
        messages = self._guard.poll()
        self._tell_presence()
        for message in messages:
            self._hear(message)
        if self._gathers():
            self._journal.note_all([], self._states)
            self._states = {}
        elif messages or self._journal.ready:
            self._write_heard()
        if self._guard.connected and time.monotonic() - self._mode_at >= MODE_EVERY_S:
            self._mode_at = time.monotonic()
            self._guard.set_mode(self._mode)

    def _tell_presence(self) -> None:
        there = self._guard.connected
        if there is self._was_there:
            return
        self._was_there = there
        self._mode_at = 0.0
        self._heard = [(entry, 0) for entry, _ in self._heard]  # the next guard counts anew
        log.warning("the relay guard %s", "is back" if there else "does not answer")
        reason = Reason.DOOR_BACK if there else Reason.DOOR_LOST
        self._journal.note(EventKind.SYSTEM, reason)

    def _hear(self, message: Message | Unreadable) -> None:
        match message:
            case State():
                self._fallen(message)
                self._states |= {
                    "lock": message.lock.value,
                    "contact": message.contact.value,
                    "mode": message.mode.value,
                    "tamper": "on" if message.tamper else "off",
                }
            case Happened():
                self._happened(message)
            case Presented():
                self._write_heard()  # what it leads to comes after
                self._on_presented(message)
            case Refused(why, ticket):
                self._refused(why, ticket)
            case Unreadable(why):
                log.warning("the relay guard said what cannot be read: %s", why)
            case _:
                log.warning("the relay guard said what is not for sight: %s", message)

    def _refused(self, why: str, ticket: str) -> None:
        """Record that a grant came to nothing, unless the door stands open anyway."""
        log.warning("the relay guard refused: %s", why)
        asked, person = self._asked
        if ticket and ticket == asked and not self._unlocked:
            detail = {"why": why}
            self._journal.note(
                EventKind.ACCESS, Reason.DOOR_UNAVAILABLE, person=person, detail=detail
            )
            self._turned_away.append(person)

    def _fallen(self, state: State) -> None:
        """Record that the lock fell where nobody said so: the line's end came with the guard's."""
        if self._unlocked and state.lock is LockState.LOCKED:
            self._happened(Happened(Reason.LOCKED, time.monotonic(), {"unseen": True}))

    def _happened(self, happened: Happened) -> None:
        reason, detail = happened.reason, happened.detail
        if reason in (Reason.UNLOCKED, Reason.LOCKED):
            self._unlocked = reason is Reason.UNLOCKED
        if reason is Reason.UNLOCKED:
            asked, person = self._asked
            self._entrant = person if detail.get("ticket") == asked else None
        person = self._entrant if reason in (Reason.UNLOCKED, Reason.LOCKED) else None
        if float(detail.get("times", 1.0)) > 1:  # the guard counts what it would not tell each time
            self._played_until = time.monotonic() + 2 * GATHER_S
        entry = Entry(EventKind.DOOR, reason, happened.at, person, detail)
        again = [(known.at, known.reason) for known, _ in self._heard]
        if (entry.at, entry.reason) not in again:
            self._heard = [*self._heard[1 - MAX_UNWRITTEN :], (entry, happened.number)]
        if reason is Reason.LOCKED:
            self._entrant = None

    def _gathers(self) -> bool:
        """Whether what was heard waits for more of its kind."""
        now = time.monotonic()
        played = now < min(self._played_until, self._written_at + GATHER_S)
        return played and all(entry.reason in ORDINARY for entry, _ in self._heard)

    def _write_heard(self) -> None:
        """By one sync. What cannot be written waits here, and is not acknowledged."""
        if self._journal.note_all([entry for entry, _ in self._heard], self._states):
            if self._heard:
                self._written_at = time.monotonic()
                self._guard.acknowledge(max(number for _, number in self._heard))
            self._heard, self._states = [], {}
