"""What becomes of a decision: the door opens or stays shut, it is written, and it is counted."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from edge.access.doubts import unproven
from edge.clock import now
from edge.records import Decision, EventKind, Outcome, Reason

if TYPE_CHECKING:
    from edge.access.judge import Judge
    from edge.records import Evidence
    from edge.sight.claims import Claims
    from edge.sight.doorside import Doorside
    from edge.sight.journal import Journal
    from edge.sight.last_face import FaceKeeper
    from edge.sight.rulebook import Rulebook
    from edge.wire.messages import Detail

log = logging.getLogger(__name__)

LONGEST_REHEARSAL_S = 120.0
"""Whoever rehearses and forgets it, or dies, keeps the door from opening for no longer."""


class Conclusions:
    """Carries out what `judge` decides."""

    def __init__(
        self,
        judge: Judge,
        *,
        door: Doorside,
        journal: Journal,
        rulebook: Rulebook,
        claims: Claims,
        faces: FaceKeeper,
    ) -> None:
        self._judge = judge
        self._door = door
        self._journal = journal
        self._rulebook = rulebook
        self._claims = claims
        self._faces = faces
        self._rehearsal_until = float("-inf")

    def rehearse(self, seconds: float) -> None:
        """For so long decide as always, and let nothing follow from it."""
        self._rehearsal_until = time.monotonic() + min(seconds, LONGEST_REHEARSAL_S)

    def conclude(self, decision: Decision, evidence: Evidence) -> Decision:
        """Write a final decision; a grant opens the door, if ledger and guard let it."""
        if self._rehearses:
            if decision.match is not None:
                self._judge.turned_away(decision.match.person)
            return decision
        self._faces.keep(evidence)
        at, detail = evidence.captured_at, _detail(decision, evidence)
        if decision.outcome is Outcome.DENY:
            self._deny(decision, at, detail)
            self._doubt(unproven(decision), 1.0)
            return decision
        person = self._count(decision, at)
        if evidence.liveness.answered:
            self._rulebook.doubts = self._rulebook.doubts.cleared(person)
        states = self._rulebook.states()
        self._claims.used()
        opened = self._door.open_for(decision.reason, person, at=at, states=states, detail=detail)
        if opened is decision.reason:
            return decision
        self._judge.turned_away(person)
        return Decision(Outcome.DENY, opened)

    def tell_broken_off(self) -> None:
        """Count who came and went, and write a try that was broken off as one that failed."""
        for visit in self._judge.visits():
            self._doubt(visit.person, visit.share)
        left = self._judge.broken_off()
        if left is not None and not self._rehearses:
            self._deny(left.decision, left.at, {"broken_off": True, **_compared(left.decision)})

    def _doubt(self, person: str | None, tries: float) -> None:
        """Count tries without a proof of life over days, and tell the owner of too many."""
        if person is None or self._rehearses or not self._rulebook.doubt(person, tries):
            return
        states = self._rulebook.states()
        self._journal.note(EventKind.SYSTEM, Reason.TRIED_OFTEN, person=person, states=states)
        log.warning("the face of %s was shown often and never proved to be alive", person)

    @property
    def _rehearses(self) -> bool:
        return time.monotonic() < self._rehearsal_until

    def _deny(self, decision: Decision, at: float, detail: Detail) -> None:
        person = self._count(decision, at)
        states, reason = self._rulebook.states(), decision.reason
        self._journal.note(
            EventKind.ACCESS, reason, at=at, person=person, states=states, detail=detail
        )
        log.info("denied: %s", reason.value)

    def _count(self, decision: Decision, at: float) -> str | None:
        """Let a decision lock people out, or clear them: whom it is about."""
        claim = self._claims.standing(at)
        self._rulebook.lockout = self._rulebook.lockout.after(decision, claim, now())
        matched = decision.match is not None and decision.match.matched
        return decision.match.person if decision.match and matched else claim


def _detail(decision: Decision, evidence: Evidence) -> Detail:
    detail: dict[str, str | float | bool] = {"blinks": evidence.liveness.blinks}
    if evidence.liveness.seen:
        detail["liveness"] = evidence.liveness.seen
    return {**detail, **_compared(decision)}


def _compared(decision: Decision) -> dict[str, float]:
    match = decision.match
    if match is None:
        return {}
    return {"similarity": round(match.similarity, 4), "threshold": round(match.threshold, 4)}
