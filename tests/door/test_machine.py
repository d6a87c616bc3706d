"""The lock's state machine, explored over every state it can reach."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.door import machine as machine_module
from edge.door.machine import Door, Drive, Grant, Machine, Rules, Step
from edge.records import Reason
from edge.vocabulary import RelockOn
from edge.wire.messages import Cause, Contact, LockState, Mode

if TYPE_CHECKING:
    from collections.abc import Iterator

TICK = 0.5
FAR_PAST = -3.0
"""Longer ago than any of the times below; all of it is one."""
LEASE = 1.5

BASE = Rules(pulse_s=1.0, held_open_s=2.0, open_grace_s=0.5, throw_s=0.5, always_open=True)
VARIANTS = {
    "strike": BASE,
    "relock on open": replace(BASE, relock=RelockOn.OPEN),
    "relock on close": replace(BASE, relock=RelockOn.CLOSE),
    "motor": replace(BASE, motor=True, relock=RelockOn.CLOSE),
    "interlock": replace(BASE, interlock_s=1.0),
    "motor, interlock": replace(BASE, motor=True, interlock_s=1.0),
}

Act = Callable[[Machine, Door, float], Step]

INPUTS: dict[str, Act] = {
    "tick": lambda m, d, t: m.tick(d, t),
    "unlock": lambda m, d, t: m.unlock(d, t, "a"),
    "rex": lambda m, d, t: m.exit_button(d, t),
    "lock": lambda m, d, t: m.lock(d, t),
    "normal": lambda m, d, t: m.set_mode(d, t, Mode.NORMAL),
    "always open": lambda m, d, t: m.set_mode(d, t, Mode.ALWAYS_OPEN),
    "lock-down": lambda m, d, t: m.set_mode(d, t, Mode.LOCK_DOWN),
    "open": lambda m, d, t: m.set_contact(d, t, Contact.OPEN),
    "close": lambda m, d, t: m.set_contact(d, t, Contact.CLOSED),
    "fire": lambda m, d, t: m.set_fire(d, t, on=True),
    "fire over": lambda m, d, t: m.set_fire(d, t, on=False),
    "other busy": lambda m, d, t: m.set_other(d, t, busy=True),
    "other free": lambda m, d, t: m.set_other(d, t, busy=False),
    "fault": lambda m, d, t: m.set_fault(d, t, "line 17 is stuck"),
    "repaired": lambda m, d, t: m.set_fault(d, t, ""),
}


@pytest.fixture(autouse=True)
def _short_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    # Three ticks keep the number of states small; nothing else depends on its length.
    monkeypatch.setattr(machine_module, "LEASE_S", LEASE)


@dataclass(frozen=True)
class Witness:
    """An account of its own of what may be, kept from what was asked and what the lines did."""

    allowed_until: float = FAR_PAST
    """Something that was asked for covers the lock being driven open up to here."""
    driven_since: float | None = None
    one_pulse: bool = True
    """Since it is driven open, nothing but one ticket or one press of the button asked for it."""
    bolt_open: bool = False
    bolt_open_until: float = FAR_PAST
    forced: bool = False

    def hears(self, name: str, before: Door, step: Step, now: float, rules: Rules) -> Witness:
        """What was asked for."""
        if step.refused:
            return self
        fresh_press = name == "rex" and before.grant is None and not before.unlocked
        if name == "unlock" or fresh_press:
            start = now + rules.interlock_s
            end = max(start + rules.pulse_s, self.allowed_until)
            return replace(self, allowed_until=end)
        if name == "always open":
            end = max(self.allowed_until, now + LEASE)
            return replace(self, allowed_until=end, one_pulse=False)
        return self

    def sees(self, name: str, before: Door, door: Door, now: float, rules: Rules) -> Witness:
        """What the lines and the contact did."""
        seen = self
        if name == "open" and before.contact is Contact.CLOSED:
            legal = seen.bolt_open or now <= seen.bolt_open_until + rules.open_grace_s
            seen = replace(seen, forced=not (legal or before.fire))
        if name == "close":
            seen = replace(seen, forced=False)
        if door.drive is Drive.UNLOCK:
            since = now if seen.driven_since is None else seen.driven_since
            forced = seen.forced and before.drive is Drive.UNLOCK  # a grant makes it good
            plain = seen.one_pulse and not door.fire
            return replace(seen, driven_since=since, one_pulse=plain, bolt_open=True, forced=forced)
        home = not rules.motor or before.drive is Drive.RELOCK
        if seen.bolt_open and door.drive is Drive.REST and home:
            seen = replace(seen, bolt_open=False, bolt_open_until=now)
        return replace(seen, driven_since=None, one_pulse=door.lease_until is None)


def earlier(time: float | None, by: float) -> float | None:
    return None if time is None else max(time - by, FAR_PAST)


def rebase(door: Door, witness: Witness, by: float) -> tuple[Door, Witness]:
    """The same situation with `by` as the new zero of time; the far past is all one."""
    grant = door.grant
    moved = replace(
        door,
        grant=grant and Grant(grant.cause, grant.ticket, grant.since - by, grant.until - by),
        lease_until=earlier(door.lease_until, by),
        ready_at=earlier(door.ready_at, by),
        unlocked_at=earlier(door.unlocked_at, by),
        throw_until=earlier(door.throw_until, by),
        allowed_until=earlier(door.allowed_until, by),
        opened_at=earlier(door.opened_at, by),
    )
    account = replace(
        witness,
        # What no longer matters is forgotten, which keeps the number of situations small.
        allowed_until=max(witness.allowed_until - by, 0.0),
        driven_since=earlier(witness.driven_since, by),
        bolt_open_until=max(witness.bolt_open_until - by, -1.0),
    )
    return moved, account


@dataclass(frozen=True)
class Transition:
    name: str
    before: Door
    step: Step
    witness: Witness
    now: float
    after: Door | None = None
    """The door after it, with `now` as the zero of time."""


def explore(machine: Machine) -> Iterator[Transition]:
    """Every input in every state that can be reached."""
    start = (machine.start(0.0), Witness(bolt_open=machine.rules.motor))
    known, todo = {start}, [start]
    while todo:
        door, witness = todo.pop()
        for name, act in INPUTS.items():
            now = TICK if name == "tick" else 0.0
            step = act(machine, door, now)
            heard = witness.hears(name, door, step, now, machine.rules)
            account = heard.sees(name, door, step.door, now, machine.rules)
            found = rebase(step.door, account, now)
            yield Transition(name, door, step, account, now, found[0])
            if found not in known:
                known.add(found)
                todo.append(found)


def left_alone(machine: Machine, door: Door) -> Door:
    """The door after every time has run out and nobody asked for anything."""
    now = 0.0
    for _ in range(30):
        now += TICK
        door = machine.tick(door, now).door
    return door


def check_driving(found: Transition, rules: Rules) -> None:
    door, witness = found.step.door, found.witness
    if door.drive is not Drive.UNLOCK:
        return
    assert witness.driven_since is not None
    driven_s = found.now - witness.driven_since
    if rules.motor:  # beside its frame it ends its run even if nobody wants it any more
        assert driven_s < rules.throw_s
        return
    assert door.fire or witness.allowed_until > found.now, "driven open without anything behind it"
    if witness.one_pulse:
        assert driven_s < rules.pulse_s, "driven for longer than its pulse"
    if found.name in ("lock", "lock-down"):
        assert door.fire or (door.grant and door.grant.cause is Cause.REX)
    if door.other_busy:
        assert door.fire, "unlocked against the interlock"


def check_reports(found: Transition) -> None:
    door, step = found.step.door, found.step
    forced = door.contact is Contact.OPEN and not door.authorised
    assert forced == found.witness.forced
    if not door.fault:
        assert (door.lock is LockState.FORCED) == forced
        assert (door.lock is LockState.LOCKED) <= (door.drive is Drive.REST and not door.unlocked)
    happened = {each.reason for each in step.happenings}
    newly_open = door.contact is Contact.OPEN and found.before.contact is Contact.CLOSED
    assert (Reason.FORCED in happened) == (newly_open and forced)
    assert (Reason.UNLOCKED in happened) == (door.unlocked and not found.before.unlocked)
    assert bool(step.refused) <= (found.name in ("unlock", "always open"))


@pytest.mark.parametrize(
    "variant",
    [
        variant if variant == "strike" else pytest.param(variant, marks=pytest.mark.slow)
        for variant in VARIANTS
    ],
)
def test_every_reachable_state_keeps_the_rules(variant: str) -> None:
    rules = VARIANTS[variant]
    machine = Machine(rules)
    states: set[LockState] = set()
    ends: dict[Door, Door] = {}
    count = 0
    for found in explore(machine):
        count += 1
        check_driving(found, rules)
        check_reports(found)
        states.add(found.step.door.lock)
        # Nothing that can be asked for leaves it energised once nobody asks any more.
        alone = found.after
        assert alone is not None
        if alone not in ends:
            ends[alone] = left_alone(machine, alone)
        if not ends[alone].fire:
            assert ends[alone].drive is Drive.REST
            waits = rules.motor and ends[alone].contact is Contact.OPEN
            assert waits or not ends[alone].unlocked
    assert states == set(LockState)
    assert count > 1000


def test_two_interlocked_doors_are_never_both_open() -> None:
    """Two machines, each hearing the other's wire a tick late; a door opens only when unlocked."""
    machine = Machine(replace(BASE, interlock_s=1.0, open_grace_s=0.0))
    names = ("unlock", "rex", "always open", "open", "close")
    start = (Door(contact=Contact.CLOSED), Door(contact=Contact.CLOSED))
    known, todo = {start}, [start]
    opened = 0

    def add(doors: tuple[Door, Door], by: float) -> None:
        based = (rebase(doors[0], Witness(), by)[0], rebase(doors[1], Witness(), by)[0])
        if based not in known:
            known.add(based)
            todo.append(based)

    while todo:
        doors = todo.pop()
        assert not (doors[0].unlocked and doors[1].unlocked)
        assert not (doors[0].contact is Contact.OPEN and doors[1].contact is Contact.OPEN)
        opened += doors[0].contact is Contact.OPEN
        ticked = [machine.tick(door, TICK).door for door in doors]
        # The wires as they stood at the last tick arrive now.
        heard = (
            machine.set_other(ticked[0], TICK, busy=doors[1].busy).door,
            machine.set_other(ticked[1], TICK, busy=doors[0].busy).door,
        )
        add(heard, TICK)
        for index, name in itertools.product((0, 1), names):
            if name == "open" and not doors[index].unlocked:
                continue
            changed = INPUTS[name](machine, doors[index], 0.0).door
            add((changed, doors[1]) if index == 0 else (doors[0], changed), 0.0)
    assert opened > 100


@settings(max_examples=300)
@given(
    st.sampled_from(sorted(VARIANTS)),
    st.lists(st.tuples(st.sampled_from(sorted(INPUTS)), st.floats(0.001, 3.0)), max_size=40),
)
def test_at_any_times_the_lock_is_not_driven_past_what_was_asked(
    variant: str, asked: list[tuple[str, float]]
) -> None:
    rules = VARIANTS[variant]
    machine = Machine(rules)
    door, now = machine.start(0.0), 0.0
    witness = Witness(bolt_open=rules.motor)
    for name, pause in asked:
        due = now + pause
        while (at := machine.deadline(door)) is not None and at <= due:
            now = max(at, now)
            before, step = door, machine.tick(door, now)
            door = step.door
            witness = witness.sees("tick", before, door, now, rules)
            check_driving(Transition("tick", before, step, witness, now), rules)
            after = machine.deadline(door)
            assert after is None or after > now, "a deadline that has passed is not due again"
        now = due
        before, step = door, INPUTS[name](machine, door, now)
        door = step.door
        witness = witness.hears(name, before, step, now, rules)
        witness = witness.sees(name, before, door, now, rules)
        check_driving(Transition(name, before, step, witness, now), rules)
        check_reports(Transition(name, before, step, witness, now))


# What a person at the door sees.


def closed_door() -> tuple[Machine, Door]:
    machine = Machine(BASE)
    return machine, machine.set_contact(Door(), 0.0, Contact.CLOSED).door


def reasons(step: Step) -> list[Reason]:
    return [each.reason for each in step.happenings]


def test_a_visit() -> None:
    machine, door = closed_door()
    step = machine.unlock(door, 1.0, "a")
    assert step.door.lock is LockState.UNLOCKING
    assert step.happenings[0].detail == {"cause": "ticket", "ticket": "a"}
    door = machine.tick(step.door, 1.5).door
    assert door.lock is LockState.UNLOCKED
    step = machine.set_contact(door, 1.7, Contact.OPEN)
    assert (step.door.lock, reasons(step)) == (LockState.OPEN, [Reason.OPENED])
    step = machine.tick(step.door, 2.0)
    assert step.door.drive is Drive.REST
    assert step.happenings[0].reason is Reason.LOCKED
    assert step.happenings[0].detail == {"pulse_s": 1.0}
    step = machine.set_contact(step.door, 3.0, Contact.CLOSED)
    assert (step.door.lock, reasons(step)) == (LockState.LOCKED, [Reason.CLOSED])


def test_a_door_left_open_is_held_and_a_new_grant_starts_its_time_again() -> None:
    machine, door = closed_door()
    door = machine.unlock(door, 0.0, "a").door
    door = machine.set_contact(door, 0.6, Contact.OPEN).door
    step = machine.tick(door, 2.7)
    assert step.door.lock is LockState.HELD
    assert Reason.HELD_OPEN in reasons(step)
    assert machine.unlock(step.door, 3.0, "b").door.lock is LockState.OPEN


def test_a_door_found_open_at_the_start_is_not_called_forced() -> None:
    machine = Machine(BASE)
    assert machine.set_contact(Door(), 0.0, Contact.OPEN).door.lock is LockState.OPEN


def test_an_opening_just_after_relocking_belongs_to_the_grant() -> None:
    machine, door = closed_door()
    relocked = machine.tick(machine.unlock(door, 0.0, "a").door, 1.0).door
    assert machine.set_contact(relocked, 1.4, Contact.OPEN).door.lock is LockState.OPEN
    assert machine.set_contact(relocked, 1.6, Contact.OPEN).door.lock is LockState.FORCED


def test_a_second_ticket_does_not_lengthen_a_pulse() -> None:
    machine, door = closed_door()
    door = machine.unlock(door, 0.0, "a").door
    step = machine.unlock(door, 0.9, "b")
    assert step.refused == "the door is already unlocked"
    assert machine.tick(step.door, 1.0).door.drive is Drive.REST


def test_sight_cannot_cut_the_exit_button_short() -> None:
    machine, door = closed_door()
    door = machine.unlock(door, 0.0, "a").door
    door = machine.exit_button(door, 0.5).door
    assert machine.lock(door, 0.6).door.unlocked
    assert machine.set_mode(door, 0.6, Mode.LOCK_DOWN).door.unlocked
    assert not machine.tick(door, 1.0).door.unlocked


def test_lock_down_refuses_tickets_but_lets_people_out() -> None:
    machine, door = closed_door()
    door = machine.set_mode(door, 0.0, Mode.LOCK_DOWN).door
    assert machine.unlock(door, 0.1, "a").refused == "the door is in lock-down"
    assert machine.exit_button(door, 0.1).door.unlocked
    assert machine.set_fire(door, 0.1, on=True).door.unlocked


def test_sight_alone_does_not_hold_a_door_open_that_is_never_to_be() -> None:
    step = Machine(replace(BASE, always_open=False)).set_mode(Door(), 0.0, Mode.ALWAYS_OPEN)
    assert not step.door.unlocked
    assert "never has this door always open" in step.refused


def test_always_open_lapses_with_sight() -> None:
    machine = Machine(BASE)
    door = machine.set_mode(Door(), 0.0, Mode.ALWAYS_OPEN).door
    assert door.unlocked
    step = machine.tick(door, LEASE)
    assert (step.door.unlocked, step.door.mode) == (False, Mode.NORMAL)


def test_a_motor_is_not_thrown_beside_its_frame() -> None:
    machine = Machine(replace(BASE, motor=True))
    door = machine.set_contact(Door(), 0.0, Contact.CLOSED).door
    door = machine.unlock(door, 0.0, "a").door
    door = machine.set_contact(door, 0.7, Contact.OPEN).door
    door = machine.tick(door, 3.0).door
    assert (door.drive, door.unlocked) == (Drive.REST, True)
    door = machine.set_contact(door, 4.0, Contact.CLOSED).door
    assert (door.drive, door.lock) == (Drive.RELOCK, LockState.UNLOCKED)
    door = machine.tick(door, 4.5).door
    assert (door.drive, door.lock) == (Drive.REST, LockState.LOCKED)


def test_a_motor_is_driven_home_at_the_start() -> None:
    machine = Machine(replace(BASE, motor=True))
    door = machine.start(0.0)
    assert door.drive is Drive.RELOCK
    assert machine.tick(door, 0.5).door.lock is LockState.LOCKED


def test_tamper_is_reported_at_both_ends() -> None:
    machine = Machine(BASE)
    step = machine.set_tamper(Door(), 0.0, on=True)
    assert step.happenings[0].detail == {"active": True}
    assert machine.set_tamper(step.door, 1.0, on=False).happenings[0].detail == {"active": False}


def test_a_claim_that_stood_already_does_not_lengthen_a_pulse() -> None:
    """Always-open claims the interlock first, then the button takes the claim over."""
    machine = Machine(replace(BASE, interlock_s=1.0))
    door = machine.set_mode(Door(), 0.0, Mode.ALWAYS_OPEN).door
    door = machine.exit_button(door, 0.9).door
    door = machine.set_mode(door, 0.9, Mode.LOCK_DOWN).door
    door = machine.tick(door, 1.0).door
    assert door.unlocked
    assert not machine.tick(door, 2.0).door.unlocked
