"""Follows the attempts in front of one camera, and says each final decision once.

`misses` comparisons in a row without a match deny. A denied track is judged anew after `pause_s`;
the same denial is not repeated within the pause, whatever the track. A stranger who leaves before
that, or comes back as another, has failed as well, once a pause. Who was let in is not let in again
in the same visit (`welcomed`).

The time for a proof of life goes on over tracks that break before anything was settled: whom the
camera sees too rarely to follow is told so in the end. What is broken off without any decision is
for `unfinished` to say.

All time is the frames' own: the monotonic stamp of their capture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge.access.attempt import Attempt
from edge.access.policy import Situation, decide
from edge.access.unfinished import GONE_S, MAX_CHALLENGES, BrokenOff, Unfinished
from edge.access.welcomed import Welcomed
from edge.records import Decision, Hint, Outcome, Reason, Regard
from edge.vocabulary import LIFELESS

if TYPE_CHECKING:
    from collections.abc import Collection

    from edge.access.attempt import Patience
    from edge.access.lockout import Lockout
    from edge.access.schedule import Schedule, Verdict
    from edge.access.unfinished import Visit
    from edge.moment import Moment
    from edge.records import Evidence, Match


WARM_UP_S = 3.0
"""From the first face after a start; over once a comparison came in time."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a decision needs beside the frame, as it stands now."""

    now: Moment
    enrolled: int
    claim: str | None
    """The identity claimed, or the only one enrolled."""
    claim_needed: bool
    door_ready: bool
    ledger_ready: bool
    lockout: Lockout
    schedule: Schedule
    alive: Collection[str] = ()
    """Whom the one who has proved to be alive resembles."""
    wary_of: Collection[str] = ()
    """By whose face a blink will not do."""
    locked_down: bool = False


class Judge:
    """Follows the attempts in front of one camera. Give it every frame's evidence."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._last_frame = (-1, -math.inf)
        self._attempt = Attempt(patience, -1, None)
        self._crowd_free_at = -math.inf
        self._denied: dict[Reason, float] = {}  # until when not to say it again
        self._welcomed = Welcomed()
        self._unfinished = Unfinished(patience.liveness_timeout_s)
        self._warm_at = math.inf
        self._stranger: BrokenOff | None = None
        self._stranger_at = -math.inf
        """Before then no stranger who leaves is said again."""

    def observe(self, evidence: Evidence, match: Match | None, around: Circumstances) -> Decision:
        """Judge one frame. `match` is the comparison of its embedding, where it has one.

        A final decision (GRANT or DENY) comes once; then WAIT, until the pause is over.
        """
        frame_new = self._is_new(evidence)
        self._unfinished.look(evidence.captured_at, stays=self._stays(evidence))
        self._welcomed = self._welcomed.after(evidence, self._patience.cooldown_s)
        if evidence.faces <= 1:
            self._crowd_free_at = evidence.captured_at
        if evidence.faces == 0:
            if evidence.captured_at - self._attempt.seen_at > GONE_S:
                self._leave()
            return decide(Situation())
        if self._warms_up(evidence, match, around.now.at):
            return Decision(Outcome.WAIT, Reason.STALE_FRAME)
        return self._judge(evidence, match, around, frame_new=frame_new)

    def _judge(
        self,
        evidence: Evidence,
        match: Match | None,
        around: Circumstances,
        *,
        frame_new: bool,
    ) -> Decision:
        self._continue(evidence, around.claim)
        self._attempt.gather(evidence, match)
        situation = self._situation(evidence, around, frame_new=frame_new)
        decision = self._named(decide(situation))
        self._attempt.note_try(evidence, decision)
        if self._attempt.rest is not None and evidence.faces == 1:
            return self._attempt.rest
        if self._welcomed.holds(situation.match):
            return Decision(Outcome.WAIT, Reason.GRANTED, Hint.WELCOME, situation.match)
        if decision.outcome is Outcome.WAIT:
            self._wait(evidence, decision)
            return decision
        crowd_s = evidence.captured_at - self._crowd_free_at
        if decision.reason is Reason.MANY_FACES and crowd_s < self._patience.crowd_s:
            return replace(decision, outcome=Outcome.WAIT)
        return self._finish(evidence, decision)

    def _named(self, decision: Decision) -> Decision:
        """Who turns away and shows no life is still who has matched: it is their failure."""
        found = self._attempt.found
        lifeless = decision.outcome is Outcome.DENY and decision.reason in LIFELESS
        return replace(decision, match=found) if lifeless and not decision.match else decision

    def _wait(self, evidence: Evidence, decision: Decision) -> None:
        """Note that somebody who has matched is still there, and whether life is waited for."""
        found = self._attempt.found
        if found is not None:
            self._unfinished.saw(
                evidence.captured_at,
                found,
                waits=decision.reason is Reason.LIVENESS_PENDING,
                challenge=evidence.liveness.challenge,
                suspected=evidence.liveness.doubted,
            )

    def _stays(self, evidence: Evidence) -> bool:
        """Whether nobody is seen to leave.

        In a crowd nobody is, nor while who was just decided upon, or is not known yet, is there.
        """
        attempt = self._attempt
        decided = attempt.rest is not None and self._unfinished.follows(attempt.rest.match)
        unknown = attempt.rest is None and attempt.found is None
        theirs = evidence.faces == 1 and evidence.track == attempt.track
        return evidence.faces > 1 or (theirs and (decided or unknown))

    def _warms_up(self, evidence: Evidence, match: Match | None, now: float) -> bool:
        """Whether this frame is late because the networks run for the first time after a start.

        It is not judged, and not a denial: nobody was turned away.
        """
        late = now - evidence.captured_at > self._patience.stale_after_s
        self._warm_at = min(self._warm_at, evidence.captured_at + WARM_UP_S)
        if match is not None and not late:
            self._warm_at = -math.inf
        return late and evidence.captured_at < self._warm_at

    @property
    def identified(self) -> bool:
        """Whether it is decided who this is: the attempt is over, or its comparisons agree."""
        attempt = self._attempt
        found = attempt.settled(attempt.seen_at)
        return attempt.rest is not None or (found is not None and found.matched)

    def regards(self, wary_of: Collection[str]) -> tuple[int, Regard]:
        """What is made of the newest attempt's track.

        Only who is known and not decided upon hears a challenge, and nobody does for a while after
        a denial. After one that was lost in this visit the next one is longer.

        Args:
            wary_of: of whom no blink does, whatever was seen of them in this visit.
        """
        attempt, found = self._attempt, self._attempt.found
        rests = attempt.rest is not None or self._welcomed.holds(found)
        until = max(self._denied.values(), default=-math.inf)
        often = found is not None and found.person in wary_of
        return attempt.track, Regard(
            hears=self.identified and not rests and attempt.seen_at >= until,
            wary=often or self._unfinished.suspects(found),
            longer=often or self._unfinished.challenges(found) > 0,
        )

    def visits(self) -> list[Visit]:
        """Who resembled somebody and went before anything was decided, each said once."""
        return self._unfinished.take_visits()

    def broken_off(self) -> BrokenOff | None:
        """A try that failed because it was broken off, said once: beside what `observe` says."""
        left = self._unfinished.take()
        if left is None:
            left, self._stranger = self._stranger, None
        return left

    def turned_away(self, person: str | None) -> None:
        """A grant came to nothing (no ledger, no guard, it refused): they may try again.

        Who stays in view need not step away for that: they are judged anew as after a denial.
        """
        self._welcomed = replace(self._welcomed, people=self._welcomed.people - {person})
        rest = self._attempt.rest
        if rest is None or rest.reason is not Reason.GRANTED or rest.match is None:
            return
        if rest.match.person == person:
            self._attempt.rest = replace(rest, reason=Reason.MATCH_PENDING, hint=Hint.WAIT)
            self._attempt.rest_until = self._attempt.seen_at + self._patience.pause_s

    def _is_new(self, evidence: Evidence) -> bool:
        sequence, at = self._last_frame
        new = evidence.sequence > sequence and evidence.captured_at > at
        if new:
            self._last_frame = (evidence.sequence, evidence.captured_at)
        return new

    def _continue(self, evidence: Evidence, claim: str | None) -> None:
        """Go on with the running attempt, or begin one: new face, new claim, pause over."""
        attempt = self._attempt
        rested = attempt.rest is not None and evidence.captured_at >= attempt.rest_until
        same = (evidence.track, claim) == (attempt.track, attempt.claim)
        if evidence.faces != 1:
            return
        if rested or not same:
            self._leave()
            self._attempt = Attempt(self._patience, evidence.track, claim)
            if claim == attempt.claim and attempt.leads_on(evidence.captured_at):
                self._attempt.since = attempt.since
                self._attempt.challenged = attempt.challenged
        self._attempt.seen_at = evidence.captured_at

    def _leave(self) -> None:
        """Count a stranger's try that ended before it was denied.

        Else a film that cuts from face to face, or who changes their card, had tries without end.
        """
        attempt, at = self._attempt, self._attempt.seen_at
        said_until = max(self._stranger_at, self._denied.get(Reason.NO_MATCH, -math.inf))
        if attempt.tried and attempt.rest is None and at >= said_until:
            self._stranger_at = at + self._patience.pause_s
            decision = Decision(Outcome.DENY, Reason.NO_MATCH, match=attempt.newest)
            self._stranger = BrokenOff(decision, at)
        attempt.tried = False

    def _situation(
        self, evidence: Evidence, around: Circumstances, *, frame_new: bool
    ) -> Situation:
        at, attempt, patience = evidence.captured_at, self._attempt, self._patience
        match = attempt.settled(at)
        over = attempt.misses >= patience.misses
        if match is None and over and attempt.newest is not None:
            match = replace(attempt.newest, person=None)  # one person after the other, or old
        challenged = bool(evidence.liveness.challenge) or self._unfinished.asked
        attempt.challenged = attempt.challenged or challenged
        begun = at if attempt.since is None else attempt.since
        # Whose head is turned may not be compared for a while, and has their time all the same.
        likely = attempt.found if match is None else match
        wary = likely is not None and likely.person in around.wary_of
        longer = wary or self._unfinished.challenges(likely) > 1
        more_s = patience.longer_s if longer else patience.challenge_s
        patient_s = patience.liveness_timeout_s + attempt.challenged * more_s
        return Situation(
            faces=evidence.faces,
            enrolled=around.enrolled,
            claimed=around.claim is not None or not around.claim_needed,
            door_ready=around.door_ready,
            ledger_ready=around.ledger_ready,
            # A frozen camera delivers new frames of an old picture.
            frame_age_s=around.now.at - at + evidence.unchanged_s,
            stale_after_s=patience.stale_after_s,
            frame_new=frame_new,
            locked_s=around.lockout.locked_s(around.claim, around.now),
            quality=evidence.quality,
            liveness=evidence.liveness,
            theirs=match is not None and match.person in around.alive,
            wary=wary or self._unfinished.suspects(match),
            liveness_over=self._unfinished.challenges(match) > MAX_CHALLENGES
            or max(at - begun, self._unfinished.waited_s(match)) > patient_s,
            match=match,
            match_over=over,
            schedule=_verdict(match, around),
            locked_down=around.locked_down,
        )

    def _finish(self, evidence: Evidence, decision: Decision) -> Decision:
        """Say a final decision, or keep it to ourselves if it was said a moment ago."""
        at = evidence.captured_at
        quiet = replace(decision, outcome=Outcome.WAIT, hint=decision.hint or Hint.WAIT)
        if at < self._denied.get(decision.reason, -math.inf):
            return quiet
        granted = decision.outcome is Outcome.GRANT
        if decision.match is not None and decision.match.matched:
            self._unfinished.decided(decision.match, granted=granted)
        elif decision.reason is Reason.NO_MATCH:
            self._unfinished.unrecognised()
        if granted:
            until = math.inf  # the track is done
            self._welcomed = self._welcomed.joined(decision.match, at)
        else:
            failed = decision.reason is Reason.LIVENESS_FAILED
            pause_s = max(self._patience.pause_s, failed * self._patience.failed_s)
            until = self._denied[decision.reason] = at + pause_s
        if evidence.faces == 1:
            self._attempt.rest = quiet
            self._attempt.rest_until = until
        return decision


def _verdict(match: Match | None, around: Circumstances) -> Verdict | None:
    if match is None or match.person is None:
        return None
    return around.schedule.verdict(match.person, around.now)
