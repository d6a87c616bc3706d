"""The lock's state machine: pure, no clock and no I/O of its own.

Every method takes the door as it was and the monotonic time, and returns a `Step`: the door as
it is now, what happened, and why a request was not followed. Tests explore every reachable state.

What unlocks: a ticket or the exit button for one pulse; always-open mode for as long as it is asked
for again within `LEASE_S`; the fire input for as long as it is on. Everything but fire ends by
itself.
Sight can end a ticket's pulse and always-open, but not the exit button's pulse.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TYPE_CHECKING

from edge.vocabulary import Reason, RelockOn
from edge.wire.messages import Cause, Contact, LockState, Mode

if TYPE_CHECKING:
    from collections.abc import Iterator

LEASE_S = 5.0
"""How far one `SetMode(ALWAYS_OPEN)` reaches."""


class Drive(str, Enum):
    """What the lock's lines do. A strike is driven while unlocked, a motor only while it runs."""

    REST = "rest"
    UNLOCK = "unlock"
    RELOCK = "relock"


THROW_S = 0.1
"""What the bolt of a lock without a motor needs to move."""


@dataclass(frozen=True, slots=True)
class Rules:
    """The times and habits of one door, seconds."""

    pulse_s: float
    held_open_s: float
    open_grace_s: float
    """An opening so soon after relocking still belongs to the grant."""
    relock: RelockOn = RelockOn.TIME
    throw_s: float = THROW_S
    """What the bolt needs to move; a motor runs for this long."""
    motor: bool = False
    """The lock stays where it was driven: it needs a second run to lock."""
    interlock_s: float = 0.0
    """With an interlock: how long our claim stands on the wire before we unlock; 0 without one."""
    always_open: bool = False
    """The configuration has hours or orders for it; else sight's word for it counts for nothing."""


@dataclass(frozen=True, slots=True)
class Grant:
    """Why the door is, or is about to be, unlocked for a pulse."""

    cause: Cause
    ticket: str
    since: float
    until: float


@dataclass(frozen=True, slots=True)
class Happening:
    """One event and its details."""

    reason: Reason
    detail: dict[str, str | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Door:
    """All that is known of the door. Times are monotonic seconds; None means "not running"."""

    mode: Mode = Mode.NORMAL
    contact: Contact = Contact.UNKNOWN
    fire: bool = False
    tamper: bool = False
    other_busy: bool = False
    """The interlocked door is open, unlocked or about to be."""
    fault: str = ""
    grant: Grant | None = None
    lease_until: float | None = None
    ready_at: float | None = None
    """When the interlock claim has stood long enough to unlock."""
    unlocked_at: float | None = None
    """Since when the lock is driven, or left, unlocked."""
    drive: Drive = Drive.REST
    throw_until: float | None = None
    """When the bolt has arrived."""
    allowed_until: float | None = None
    """Openings up to here still belong to the last grant."""
    opened_at: float | None = None
    authorised: bool = True
    """Whether the present opening had a grant, the exit button or fire behind it."""
    held: bool = False

    @property
    def unlocked(self) -> bool:
        """Whether the lock lets the door open."""
        return self.unlocked_at is not None

    @property
    def busy(self) -> bool:
        """What the interlocked door is told: this one is not closed and locked."""
        claimed = self.unlocked or self.ready_at is not None
        return claimed or self.contact is Contact.OPEN or self.drive is not Drive.REST

    @property
    def lock(self) -> LockState:
        """The state that is reported."""
        if self.fault:
            return LockState.FAULT
        if self.contact is Contact.OPEN:
            if not self.authorised:
                return LockState.FORCED
            return LockState.HELD if self.held else LockState.OPEN
        if self.ready_at is not None or (self.unlocked and self.throw_until is not None):
            return LockState.UNLOCKING
        # A motor that still runs towards locked has not locked yet.
        moving = self.drive is Drive.RELOCK
        return LockState.UNLOCKED if self.unlocked or moving else LockState.LOCKED


@dataclass(frozen=True, slots=True)
class Step:
    """What one input led to."""

    door: Door
    happenings: tuple[Happening, ...] = ()
    refused: str = ""
    """Why the request was not followed; empty when it was."""


class Machine:
    """The transitions, under one door's rules."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules

    def start(self, now: float) -> Door:
        """The door when the guard starts. A motor may have been left unlocked: drive it home."""
        if not self.rules.motor:
            return Door()
        home_at = now + self.rules.throw_s
        grace = home_at + self.rules.open_grace_s
        return Door(drive=Drive.RELOCK, throw_until=home_at, allowed_until=grace)

    def tick(self, door: Door, now: float) -> Step:
        """Let time pass. Call it before any other input, and at `deadline`."""
        return self._settle(door, door, now)

    def unlock(self, door: Door, now: float, ticket: str) -> Step:
        """A fresh ticket asks for one pulse. It never lengthens one that runs."""
        if door.fault:
            return self._refuse(door, now, f"the lock is at fault: {door.fault}")
        if door.mode is Mode.LOCK_DOWN:
            return self._refuse(door, now, "the door is in lock-down")
        if door.unlocked or door.grant:
            return self._refuse(door, now, "the door is already unlocked")
        if door.other_busy:
            return self._refuse(door, now, "the interlocked door is not closed and locked")
        return self._settle(door, replace(door, grant=self._grant(Cause.TICKET, ticket, now)), now)

    def exit_button(self, door: Door, now: float) -> Step:
        """The exit button was pressed: one pulse, whatever sight, mode or fault say."""
        if door.other_busy and not door.fire:
            pressed = Happening(Reason.REX, {"blocked": True})
            return self._settle(door, door, now, (pressed,))
        grant = door.grant
        if grant:
            grant = replace(grant, cause=Cause.REX)  # sight may no longer cut it short
        elif not door.unlocked:
            grant = self._grant(Cause.REX, "", now)
        return self._settle(door, replace(door, grant=grant), now, (Happening(Reason.REX),))

    def lock(self, door: Door, now: float) -> Step:
        """Sight asks to lock now."""
        return self._settle(door, self._withdraw(door), now)

    def set_mode(self, door: Door, now: float, mode: Mode) -> Step:
        """Sight sets the mode. Always-open lapses unless it is asked for again in time."""
        if mode is Mode.ALWAYS_OPEN:
            if not self.rules.always_open:
                return self._refuse(door, now, "the configuration never has this door always open")
            if door.fault:
                return self._refuse(door, now, f"the lock is at fault: {door.fault}")
            after = replace(door, mode=mode, lease_until=now + LEASE_S)
        else:
            after = replace(door, mode=mode, lease_until=None)
            if mode is Mode.LOCK_DOWN:
                after = replace(self._withdraw(after), mode=mode)
        return self._settle(door, after, now)

    def set_contact(self, door: Door, now: float, contact: Contact) -> Step:
        """The door contact was read, or changed."""
        if contact is door.contact:
            return self._settle(door, door, now)
        after = replace(door, contact=contact, held=False, authorised=True, opened_at=None)
        if contact is Contact.OPEN:
            # The first reading after the start: nobody knows how the door came to be open.
            known = door.contact is Contact.CLOSED
            in_grace = door.allowed_until is not None and now <= door.allowed_until
            allowed = not known or door.unlocked or in_grace or door.fire
            after = replace(after, opened_at=now, authorised=allowed)
        passed = contact is Contact.CLOSED and door.opened_at is not None
        if {RelockOn.OPEN: contact is Contact.OPEN, RelockOn.CLOSE: passed}.get(self.rules.relock):
            after = replace(after, grant=None)
        return self._settle(door, after, now)

    def set_fire(self, door: Door, now: float, *, on: bool) -> Step:
        """The fire input: free exit for as long as it is on."""
        return self._settle(door, replace(door, fire=on), now)

    def set_tamper(self, door: Door, now: float, *, on: bool) -> Step:
        """The tamper input: reported, nothing else."""
        return self._settle(door, replace(door, tamper=on), now)

    def set_other(self, door: Door, now: float, *, busy: bool) -> Step:
        """The interlocked door's wire."""
        return self._settle(door, replace(door, other_busy=busy), now)

    def set_fault(self, door: Door, now: float, fault: str) -> Step:
        """The lines cannot be trusted (a sentence), or can be again (empty)."""
        after = self._withdraw(door) if fault else door
        return self._settle(door, replace(after, fault=fault), now)

    def deadline(self, door: Door) -> float | None:
        """When `tick` is due next, if no input comes before."""
        held_at = None
        if door.opened_at is not None and door.authorised and not door.held:
            held_at = door.opened_at + self.rules.held_open_s
        until = door.grant.until if door.grant else None
        times = (until, door.lease_until, door.ready_at, door.throw_until, held_at)
        return min((time for time in times if time is not None), default=None)

    def _grant(self, cause: Cause, ticket: str, now: float) -> Grant:
        since = now + self.rules.interlock_s
        return Grant(cause, ticket, since, since + self.rules.pulse_s)

    @staticmethod
    def _withdraw(door: Door) -> Door:
        """Take back what sight asked for; the exit button's pulse stays."""
        grant = door.grant if door.grant and door.grant.cause is Cause.REX else None
        mode = Mode.NORMAL if door.mode is Mode.ALWAYS_OPEN else door.mode
        return replace(door, grant=grant, lease_until=None, mode=mode)

    def _refuse(self, door: Door, now: float, why: str) -> Step:
        return replace(self._settle(door, door, now), refused=why)

    def _settle(
        self, before: Door, door: Door, now: float, first: tuple[Happening, ...] = ()
    ) -> Step:
        """Bring everything that follows from inputs and time in line."""
        door = self._expire(door, now)
        door = self._interlock(door, now)
        door = self._actuate(door, now)
        door = self._watch_leaf(door, now)
        return Step(door, first + _happenings(before, door, now))

    @staticmethod
    def _expire(door: Door, now: float) -> Door:
        if door.grant and door.grant.until <= now:
            door = replace(door, grant=None)
        if door.lease_until is not None and door.lease_until <= now:
            door = replace(door, lease_until=None, mode=Mode.NORMAL)
        if door.allowed_until is not None and door.allowed_until < now:
            door = replace(door, allowed_until=None)
        if door.throw_until is not None and door.throw_until <= now:
            door = replace(door, throw_until=None)
        return door

    def _interlock(self, door: Door, now: float) -> Door:
        """Our claim goes on the wire first; the other door's claim makes us withdraw ours."""
        if door.other_busy and not door.fire:
            return replace(door, grant=None, ready_at=None)
        wanted = door.grant is not None or door.lease_until is not None
        if door.unlocked or not wanted or self.rules.interlock_s <= 0:
            return replace(door, ready_at=None)
        if door.ready_at is None:
            return replace(door, ready_at=now + self.rules.interlock_s)
        return replace(door, ready_at=None) if door.ready_at <= now else door

    def _actuate(self, door: Door, now: float) -> Door:
        leased = door.lease_until is not None and not door.other_busy
        wanted = door.fire or ((door.grant is not None or leased) and door.ready_at is None)
        if wanted and not door.unlocked:
            door = self._unlock(door, now)
        # A bolt must not be thrown beside its frame: a motor waits for the door to close.
        elif not wanted and door.unlocked and not self._waits_for_leaf(door):
            door = self._relock(door, now)
        if self.rules.motor and door.throw_until is None:
            door = replace(door, drive=Drive.REST)
        return door

    def _unlock(self, door: Door, now: float) -> Door:
        grant = door.grant
        if grant:  # a claim that stood on the wire already may unlock sooner than expected
            until = min(grant.until, now + self.rules.pulse_s)
            grant = replace(grant, since=now, until=until)
        door = replace(
            door,
            grant=grant,
            unlocked_at=now,
            drive=Drive.UNLOCK,
            throw_until=now + self.rules.throw_s,
            allowed_until=None,
        )
        if door.contact is Contact.OPEN:
            door = replace(door, authorised=True, held=False, opened_at=now)
        return door

    def _relock(self, door: Door, now: float) -> Door:
        locked_at = now + (self.rules.throw_s if self.rules.motor else 0.0)
        return replace(
            door,
            unlocked_at=None,
            drive=Drive.RELOCK if self.rules.motor else Drive.REST,
            throw_until=locked_at if self.rules.motor else None,
            allowed_until=locked_at + self.rules.open_grace_s,
        )

    def _waits_for_leaf(self, door: Door) -> bool:
        return self.rules.motor and door.contact is Contact.OPEN

    def _watch_leaf(self, door: Door, now: float) -> Door:
        if door.opened_at is None or not door.authorised:
            return door
        if door.fire or door.lease_until is not None:  # meant to be open: start counting later
            return replace(door, opened_at=now, held=False)
        return replace(door, held=now >= door.opened_at + self.rules.held_open_s)


def _happenings(before: Door, door: Door, now: float) -> tuple[Happening, ...]:
    """What a reader of the events must know about the way from `before` to `door`."""
    found = [*_of_the_lock(before, door, now), *_of_the_leaf(before, door)]
    if door.tamper != before.tamper:
        found.append(Happening(Reason.TAMPER, {"active": door.tamper}))
    if door.fault != before.fault:
        found.append(Happening(Reason.FAULT, {"active": bool(door.fault), "message": door.fault}))
    return tuple(found)


def _of_the_lock(before: Door, door: Door, now: float) -> Iterator[Happening]:
    if before.unlocked_at is not None and not door.unlocked:
        yield Happening(Reason.LOCKED, {"pulse_s": round(now - before.unlocked_at, 4)})
    if door.unlocked and not before.unlocked:
        yield Happening(Reason.UNLOCKED, _cause(door))


def _of_the_leaf(before: Door, door: Door) -> Iterator[Happening]:
    if before.contact is not door.contact and Contact.UNKNOWN not in (before.contact, door.contact):
        opened = Reason.OPENED if door.authorised else Reason.FORCED
        yield Happening(opened if door.contact is Contact.OPEN else Reason.CLOSED)
    if door.held and not before.held:
        yield Happening(Reason.HELD_OPEN)


def _cause(door: Door) -> dict[str, str | float | bool]:
    if door.fire:
        return {"cause": Cause.FIRE.value}
    if door.grant is None:
        return {"cause": Cause.ALWAYS_OPEN.value}
    if door.grant.ticket:
        return {"cause": door.grant.cause.value, "ticket": door.grant.ticket}
    return {"cause": door.grant.cause.value}
