"""Failures in a row lock a person, and the device, for ever longer times.

Counted are attempts in which a face was compared and the attempt failed, or was broken off in a way
that `unfinished` calls one. Whoever could not be judged (no face, poor quality, nothing compared)
has not tried. A grant clears the person and the device, a right PIN the wrong ones before it.
Failures are forgotten after `forget_s` without a new one: passers-by whom the camera judged must
not add up over days until the people who live here are locked out.

The state is frozen and goes to the ledger as JSON after every change. `locked_s` counts only time
that has certainly passed (`Moment.since`), so neither a restart nor a clock set back shortens it.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from edge import plain
from edge.errors import LedgerError
from edge.moment import Moment
from edge.records import Outcome, Reason
from edge.vocabulary import LIFELESS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.records import Decision

DEVICE = ""
"""The name under which the device's own failures are counted."""
PIN = " pin"
"""The name for PINs that are nobody's: they lock the keypad, and leave the camera open."""
_PIN_OF = f"{PIN} "
"""Before the name of whose right PIN has cleared those; like the two above it is nobody's name."""

_COUNTED = LIFELESS | {Reason.NO_MATCH}
_MAX_DOUBLINGS = 32


@dataclass(frozen=True, slots=True)
class LockoutRules:
    """How many failures lock, and for how long; seconds."""

    max_failures: int
    lockout_s: float
    """The first; doubles with each further failure."""
    lockout_max_s: float
    forget_s: float = 3600.0
    """Counted from the end of the last lockout."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Failures in a row, and the lockout that the last one brought."""

    failures: int
    last: Moment
    """When `lock_s` began."""
    lock_s: float


@dataclass(frozen=True, slots=True)
class Lockout:
    """Everybody's failures. Every change returns a new state."""

    rules: LockoutRules
    tallies: Mapping[str, Tally] = field(default_factory=dict)

    def locked_s(self, claim: str | None, now: Moment) -> float:
        """How much longer the claimed person or the device is locked, seconds; 0 when neither."""
        return max(self.left_s(name, now) for name in _subjects(claim))

    def left_s(self, name: str, now: Moment) -> float:
        """How much longer one name (a person's, `DEVICE`, `PIN`) is locked, seconds."""
        tally = self.tallies.get(name)
        return 0.0 if tally is None else max(0.0, tally.lock_s - now.since(tally.last))

    def failed(self, name: str, now: Moment) -> Lockout:
        """The state after one more failure under a name."""
        known = self._remembered(now)
        return replace(self, tallies={**known, name: self._one_more(known.get(name), now)})

    def cleared(self, name: str) -> Lockout:
        """The state after a success under a name."""
        return replace(self, tallies={n: t for n, t in self.tallies.items() if n != name})

    def pin_of(self, person: str, now: Moment) -> Lockout:
        """The state after a person's right PIN.

        It clears the wrong ones of before, each person's once in `forget_s`: else whoever has a PIN
        could guess at all others without end, entering their own before every lockout.
        """
        mark = _PIN_OF + person
        if PIN not in self.tallies or mark in self._remembered(now):
            return self
        cleared = self.cleared(PIN)
        return replace(cleared, tallies={**cleared.tallies, mark: Tally(0, now, 0.0)})

    def after(self, decision: Decision, claim: str | None, now: Moment) -> Lockout:
        """The state after a final decision on an attempt that claimed to be `claim`."""
        state = self
        if decision.outcome is Outcome.GRANT:
            for name in _subjects(decision.match.person if decision.match else claim):
                state = state.cleared(name)
        elif counts(decision):
            for name in _subjects(claim):
                state = state.failed(name, now)
        return state

    def resumed(self, now: Moment) -> Lockout:
        """After a restart: what is left of each lockout begins to run on the present clock."""
        tallies = {
            name: replace(tally, last=now, lock_s=max(0.0, tally.lock_s - now.since(tally.last)))
            if now.boot != tally.last.boot
            else tally
            for name, tally in self.tallies.items()
        }
        return replace(self, tallies=tallies)

    def to_json(self) -> str:
        """The failures, without the rules."""
        return json.dumps({name: asdict(tally) for name, tally in self.tallies.items()})

    @classmethod
    def from_json(cls, text: str, rules: LockoutRules) -> Lockout:
        """What `to_json` wrote.

        Raises:
            LedgerError: it is not that.
        """
        try:
            tallies = plain.read(dict[str, Tally], json.loads(text))
        except (ValueError, RecursionError) as error:
            raise LedgerError(f"the stored lockout is damaged: {error}") from error
        return cls(rules, tallies)

    def _remembered(self, now: Moment) -> Mapping[str, Tally]:
        """Those that are not to be forgotten yet: nobody's name stays for ever."""
        forget_s = self.rules.forget_s
        return {
            name: tally
            for name, tally in self.tallies.items()
            if now.since(tally.last) <= tally.lock_s + forget_s
        }

    def _one_more(self, tally: Tally | None, now: Moment) -> Tally:
        rules = self.rules
        failures = 1 if tally is None else tally.failures + 1
        beyond = failures - rules.max_failures
        lock_s = 0.0
        if beyond >= 0:
            doubled = rules.lockout_s * 2.0 ** min(beyond, _MAX_DOUBLINGS)
            lock_s = min(doubled, rules.lockout_max_s)
        return Tally(failures, now, lock_s)


def counts(decision: Decision) -> bool:
    """Whether a decision is a failed attempt: a face was compared, and denied."""
    return (
        decision.outcome is Outcome.DENY
        and decision.reason in _COUNTED
        and decision.match is not None
    )


def _subjects(claim: str | None) -> tuple[str, ...]:
    return (DEVICE,) if claim is None else (DEVICE, claim)
