"""The decision: every gate must pass. GRANT is what is left when no gate objects.

A gate says WAIT while what it misses may still come, and DENY when the attempt is over. The gates
stand in the order in which their reasons are worth hearing; the first objection is the answer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.access.schedule import OBJECTIONS, Verdict
from edge.records import Decision, Hint, LivenessState, Outcome, Reason

if TYPE_CHECKING:
    from edge.records import Liveness, Match, Quality


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a decision rests on. Every default objects: what is not stated does not pass."""

    faces: int = 0
    enrolled: int = 0
    """Templates that could be matched."""
    claimed: bool = False
    """Somebody has claimed an identity, or nobody needs to."""
    door_ready: bool = False
    ledger_ready: bool = False
    frame_age_s: float = math.inf
    stale_after_s: float = 0.0
    frame_new: bool = False
    """Later than every frame before it."""
    locked_s: float = math.inf
    """What is left of a lockout."""
    quality: Quality | None = None
    liveness: Liveness | None = None
    theirs: bool = False
    """Who proved to be alive is who matches."""
    wary: bool = True
    """A blink will not do."""
    liveness_over: bool = False
    """The time for a proof of life has passed."""
    match: Match | None = None
    """What the attempt's comparisons say so far; None before there are enough."""
    match_over: bool = False
    """Enough comparisons have failed."""
    schedule: Verdict | None = None
    """For the person matched."""
    locked_down: bool = True
    """By command nobody is let in."""


def decide(situation: Situation) -> Decision:
    """GRANT when every gate passes, else the first objection."""
    for gate in _GATES:
        objection = gate(situation)
        if objection is not None:
            return objection
    return Decision(Outcome.GRANT, Reason.GRANTED, Hint.WELCOME, situation.match)


def _presence(s: Situation) -> Decision | None:
    return None if s.faces >= 1 else _wait(Reason.NO_FACE)


def _enrolment(s: Situation) -> Decision | None:
    return None if s.enrolled >= 1 else _deny(Reason.NOBODY_ENROLLED)


def _claim(s: Situation) -> Decision | None:
    return None if s.claimed else _wait(Reason.NO_CLAIM)


def _door(s: Situation) -> Decision | None:
    return None if s.door_ready else _deny(Reason.DOOR_UNAVAILABLE)


def _ledger(s: Situation) -> Decision | None:
    return None if s.ledger_ready else _deny(Reason.LEDGER_UNAVAILABLE)


def _freshness(s: Situation) -> Decision | None:
    if not 0 <= s.frame_age_s <= s.stale_after_s:  # NaN is stale too
        return _deny(Reason.STALE_FRAME)
    return None if s.frame_new else _deny(Reason.REPEATED_FRAME)


def _alone(s: Situation) -> Decision | None:
    return None if s.faces == 1 else _deny(Reason.MANY_FACES, Hint.ONE_AT_A_TIME)


def _lockout(s: Situation) -> Decision | None:
    return None if s.locked_s <= 0 else _deny(Reason.LOCKED_OUT, Hint.WAIT)


def _spoof(s: Situation) -> Decision | None:
    if s.liveness is not None and s.liveness.state is LivenessState.FAILED:
        return _deny(Reason.LIVENESS_FAILED, match=s.match)
    return None


def _quality(s: Situation) -> Decision | None:
    if s.quality is None:
        return _wait(Reason.POOR_QUALITY, Hint.HOLD_STILL)
    return None if s.quality.ok else _wait(Reason.POOR_QUALITY, s.quality.hint)


def _identity(s: Situation) -> Decision | None:
    if s.match_over:
        return _deny(Reason.NO_MATCH, match=s.match)
    if s.match is not None and s.match.matched:
        return None
    if s.match is None and s.liveness_over:
        return _deny(Reason.NOT_LIVE)  # seen too rarely to be told from anybody, or from a picture
    return _wait(Reason.MATCH_PENDING, Hint.FACE_CAMERA, s.match)


def _life(s: Situation) -> Decision | None:
    live = s.liveness is not None and s.liveness.state is LivenessState.LIVE
    answered = s.liveness is not None and s.liveness.answered
    if live and s.theirs and (answered or not s.wary):
        return None
    if s.liveness_over:
        return _deny(Reason.NOT_LIVE, match=s.match)
    hint = Hint.CHALLENGE if s.liveness is not None and s.liveness.instruction else Hint.BLINK
    return _wait(Reason.LIVENESS_PENDING, hint, s.match)


def _schedule(s: Situation) -> Decision | None:
    if s.schedule is Verdict.ALLOWED:
        return None
    reason = OBJECTIONS[s.schedule] if s.schedule else Reason.OUTSIDE_SCHEDULE
    return _deny(reason, match=s.match)


def _lock_down(s: Situation) -> Decision | None:
    return _deny(Reason.LOCK_DOWN, match=s.match) if s.locked_down else None


_GATES = (
    _presence,
    _enrolment,
    _claim,
    _door,
    _ledger,
    _freshness,
    _alone,
    _lockout,
    _spoof,
    _quality,
    _identity,
    _life,
    _schedule,
    _lock_down,
)


def _wait(reason: Reason, hint: Hint = Hint.NONE, match: Match | None = None) -> Decision:
    return Decision(Outcome.WAIT, reason, hint, match)


def _deny(reason: Reason, hint: Hint = Hint.NONE, match: Match | None = None) -> Decision:
    return Decision(Outcome.DENY, reason, hint, match)
