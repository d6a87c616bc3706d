"""Tries that are broken off: a face that matched, showed no life and was taken away again.

Nothing decides such a try, and a try that costs nothing may be repeated until a film passes, or
until a challenge is drawn that a recording answers. So it is a failure as soon as the one who left
had waited, matched, for half of the time that there is for a proof of life, or had left an
instruction unanswered for long enough to hear it: where everybody is asked, the second time.
Tries by one face that stay below that add up: a known person who walks past for two seconds has
done nothing, and who does it all the time is seen, here within minutes and by `doubts` within days.

A face that is lost for less than `GONE_S` has not left: its waiting goes on, over tracks that
break, and is over when an attempt's time is. So does what spoke against its picture, and so do the
challenges that it heard. Pure: time is the frames'.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge.records import Decision, Outcome, Reason

if TYPE_CHECKING:
    from edge.records import Match

GONE_S = 2.0
"""Who turns away, or whose track breaks, is back within this."""
ASKED_S = 1.0
"""To see what a challenge asks for."""
MAX_CHALLENGES = 3
"""In one visit, each drawn because the one before was withdrawn: a track broke, or the light went.
Public films of people who turn their heads lose two in a row now and then. So many that were left,
however soon, are a failure."""
FORGET_S = 600.0
"""Without another try. The longest lockout allows hardly more tries than this does."""


@dataclass(frozen=True, slots=True)
class BrokenOff:
    """A failure that nobody waited for."""

    decision: Decision
    at: float
    """When the face was last seen, monotonic seconds."""


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody came and went, and nothing was decided."""

    person: str
    share: float
    """Of a whole try, 0 to 1; whole where something spoke against the picture."""


@dataclass(frozen=True, slots=True)
class _Account:
    """What the tries by one person's face since the last decision add up to; seconds."""

    match: Match | None = None
    """The newest try's."""
    waited_s: float = 0.0
    asked_s: float = 0.0
    visit_s: float = 0.0
    """What was waited since somebody was last gone."""
    visit_asked: frozenset[int] = frozenset()
    """The challenges that ran since then."""
    visit_suspected: bool = False
    """Something spoke against the picture since then."""
    heard: int = 0
    """Challenges that were left before."""
    suspected: bool = False
    """What was asked was asked for a doubt of the picture, and not of everybody."""
    seen_at: float = -math.inf

    @property
    def open(self) -> bool:
        """Somebody waits or was asked, and has not gone."""
        return bool(self.visit_s or self.visit_asked)


class Unfinished:
    """Follows the tries that nothing has decided yet."""

    def __init__(self, timeout_s: float) -> None:
        """`timeout_s`: within which life has to be shown."""
        self._enough_s = timeout_s / 2
        self._account = _Account()  # of who was seen last
        self._others: dict[str | None, _Account] = {}
        self._told: BrokenOff | None = None
        self._visits: list[Visit] = []

    def saw(
        self, at: float, match: Match, *, waits: bool, challenge: int, suspected: bool = False
    ) -> None:
        """Take a frame of a face that has matched and is not decided upon.

        Args:
            at: the frame's stamp.
            match: the person matched.
            waits: nothing is missing but a proof of life.
            challenge: number of the one that runs; 0: none does.
            suspected: something speaks against the picture.
        """
        self.look(at)
        before = self._account.match
        if before is None or before.person != match.person:
            self._leave()
            if before is not None:
                self._others[before.person] = self._account
            self._account = self._others.pop(match.person, _Account())
        account, asked = self._account, challenge > 0
        gap_s = at - account.seen_at
        passed_s = gap_s if gap_s <= GONE_S else 0.0
        self._account = replace(
            account,
            match=match,
            waited_s=account.waited_s + passed_s * waits,
            visit_s=account.visit_s + passed_s * waits,
            asked_s=account.asked_s + passed_s * asked,
            visit_asked=account.visit_asked | {challenge} if asked else account.visit_asked,
            visit_suspected=account.visit_suspected or suspected,
            suspected=account.suspected or (asked and suspected),
            seen_at=at,
        )

    def look(self, at: float, *, stays: bool = False) -> None:
        """Let time pass, whoever is in view. `stays`: nobody can be seen to leave."""
        gone_s = at - self._account.seen_at
        if gone_s > GONE_S:
            self._leave()
        self._others = {
            person: account
            for person, account in self._others.items()
            if at - account.seen_at <= FORGET_S
        }
        if gone_s > FORGET_S:
            self._account = _Account()
        elif stays:
            self._account = replace(self._account, seen_at=at)

    def waited_s(self, match: Match | None) -> float:
        """For how long this person has waited in this visit, over all its tracks."""
        return self._account.visit_s if self.follows(match) else 0.0

    @property
    def asked(self) -> bool:
        """Whether they were asked for a challenge in this visit, on whichever track."""
        return bool(self._account.visit_asked)

    def challenges(self, match: Match | None) -> int:
        """How many this person has heard in this visit."""
        return len(self._account.visit_asked) if self.follows(match) else 0

    def suspects(self, match: Match | None) -> bool:
        """Whether something spoke against this person's picture in this visit, on any track."""
        return self.follows(match) and self._account.visit_suspected

    def decided(self, match: Match, *, granted: bool) -> None:
        """Something was decided of this person: nothing of theirs is unfinished.

        Whoever was turned away and stays is suspected as before.
        """
        self._others.pop(match.person, None)
        if self.follows(match):
            suspected = self._account.visit_suspected and not granted
            seen_at = self._account.seen_at
            self._account = _Account(match, visit_suspected=suspected, seen_at=seen_at)

    def unrecognised(self) -> None:
        """Who is in view was turned away for resembling nobody: a try that still went on failed so.

        It is who turned away from an instruction, whom two failures would be one too many.
        """
        account = self._account
        if account.match is not None and account.open:
            self._note_visit(account)
            self.decided(account.match, granted=False)

    def follows(self, match: Match | None) -> bool:
        """Whether this person's face is the one that was seen last."""
        theirs = self._account.match
        return match is not None and theirs is not None and match.person == theirs.person

    def take(self) -> BrokenOff | None:
        """What was broken off since the last call."""
        told, self._told = self._told, None
        return told

    def take_visits(self) -> list[Visit]:
        """Who came and went since the last call, for as long as they waited or were asked."""
        visits, self._visits = self._visits, []
        return visits

    def _leave(self) -> None:
        account = self._account
        if not account.open:
            if account.visit_suspected:
                self._account = replace(account, visit_suspected=False)
            return
        self._note_visit(account)
        heard = account.heard + len(account.visit_asked)
        again = account.suspected or account.heard > 0
        asked = (account.asked_s >= ASKED_S and again) or heard >= MAX_CHALLENGES
        if asked or account.waited_s >= self._enough_s:
            reason = Reason.LIVENESS_FAILED if asked else Reason.NOT_LIVE
            decision = Decision(Outcome.DENY, reason, match=account.match)
            self._told = BrokenOff(decision, account.seen_at)
            self._account = _Account()
        else:
            self._account = replace(
                account,
                visit_s=0.0,
                visit_asked=frozenset(),
                visit_suspected=False,
                heard=heard,
            )

    def _note_visit(self, account: _Account) -> None:
        # Who times a film well needs a second, and who walks past is not doubted.
        share = 1.0 if account.visit_suspected else min(1.0, account.visit_s / self._enough_s)
        if account.match is not None and account.match.person is not None and share:
            self._visits.append(Visit(account.match.person, share))
