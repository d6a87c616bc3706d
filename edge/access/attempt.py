"""One attempt: what the frames of one track, under one claim, add up to.

Identity is decided when `probes` comparisons in a row found the same person nearest: by the newest,
which is of all of them together (`matcher.Probes`). All time is the frames' own: the monotonic
stamp of their capture.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge.access.matcher import PROBES
from edge.records import LivenessState, Reason

if TYPE_CHECKING:
    from edge.records import Decision, Evidence, Match


@dataclass(frozen=True, slots=True)
class Patience:
    """How much an attempt needs and how long it may take; seconds."""

    stale_after_s: float
    liveness_timeout_s: float
    """From the attempt's first frame that may be judged."""
    challenge_s: float
    """So much more for whoever has been asked for a challenge."""
    longer_s: float
    """The same where the door is wary of them."""
    pause_s: float
    failed_s: float
    """A failed challenge stays failed for so long: within that it is not said again."""
    cooldown_s: float
    probes: int = PROBES
    misses: int = 6
    probe_fresh_s: float = 2.0
    """The newest comparison may be no older than this."""
    crowd_s: float = 0.3
    """A second face in view for less is waited out: detectors see things for a frame."""


@dataclass(slots=True)
class Attempt:
    """What has been gathered about one track and one claim."""

    needs: Patience
    track: int
    claim: str | None
    newest: Match | None = None
    found: Match | None = None
    """The newest comparison that matched."""
    probes: int = 0
    """Comparisons in a row that found the newest's person nearest."""
    since: float | None = None
    """Its first frame that may be judged."""
    seen_at: float = -math.inf
    probed_at: float = -math.inf
    misses: int = 0
    tried: bool = False
    """It would have opened, had it been somebody known here."""
    challenged: bool = False
    """They were asked for a challenge."""
    rest: Decision | None = None
    """After its final decision: what to answer until `rest_until`."""
    rest_until: float = -math.inf

    def gather(self, evidence: Evidence, match: Match | None) -> None:
        """Take one frame of its track; `match` is the comparison of its embedding, if any."""
        if evidence.faces != 1 or evidence.quality is None or not evidence.quality.ok:
            return
        if self.since is None:
            self.since = evidence.captured_at
        if match is not None:
            self._compare(match, evidence.captured_at)

    def _compare(self, match: Match, at: float) -> None:
        """Count one comparison: how many in a row agree, or miss."""
        if self.claim is not None and match.person != self.claim:
            match = replace(match, person=None)  # nobody else will do
        same = self.newest is not None and self.newest.person == match.person
        self.probes = self.probes + 1 if same else 1
        self.newest = match
        self.found = match if match.matched else self.found
        self.probed_at = at
        settled = self.settled(at)
        self.misses = 0 if settled is not None and settled.matched else self.misses + 1

    def settled(self, at: float) -> Match | None:
        """What the comparisons add up to; None before there are enough, or when they are old."""
        enough = self.probes >= self.needs.probes
        fresh = at - self.probed_at <= self.needs.probe_fresh_s
        return self.newest if enough and fresh else None

    def leads_on(self, at: float) -> bool:
        """Whether it ended a moment ago, before its comparisons added up to anything."""
        few, soon = self.probes < self.needs.probes, at - self.seen_at <= self.needs.cooldown_s
        return self.rest is None and few and soon

    def note_try(self, evidence: Evidence, decision: Decision) -> None:
        """Note where a living face was compared often enough to be let in, and is nobody's."""
        compared = self.misses >= self.needs.probes
        nobodys = self.newest is not None and not self.newest.matched
        wanting = decision.reason in (Reason.MATCH_PENDING, Reason.NO_MATCH)  # and nothing else is
        if evidence.liveness.state is LivenessState.LIVE and compared and nobodys and wanting:
            self.tried = True
