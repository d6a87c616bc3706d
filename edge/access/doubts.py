"""Tries that opened nothing, counted over days for each person whose face was shown.

A film that is shown for a few seconds, every now and then, never meets a lockout, which forgets
passers-by within the hour. So whatever resembled somebody and went without a proof of life is
counted here as well, by the share of a whole try that it waited, and runs off slowly. Where that
comes to `A_DAY` of them a blink of that face will no longer do for a day, or until a challenge was
answered: nobody is locked out by walking past. Pure; frozen; goes to the ledger as JSON with the
next event.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

from edge import plain
from edge.errors import LedgerError
from edge.moment import Moment
from edge.records import Outcome
from edge.vocabulary import LIFELESS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.records import Decision

A_DAY = 8.0
"""Whole tries: so many at once are nothing, and so many a day for ever."""
_DOUBTED = 2 * A_DAY
"""What too many count as, so that doubt is over a day after the last, and not within minutes."""
_RUNS_OFF = A_DAY / 86_400


def unproven(decision: Decision) -> str | None:
    """By whose face somebody was denied for want of a proof of life; None: by nobody's here."""
    match = decision.match
    wanting = decision.outcome is Outcome.DENY and decision.reason in LIFELESS
    return match.person if wanting and match is not None and match.matched else None


@dataclass(frozen=True, slots=True)
class Count:
    """Tries without a proof of life, as of a moment."""

    tries: float
    at: Moment


@dataclass(frozen=True, slots=True)
class Doubts:
    """Everybody's. Every change returns a new state."""

    counts: Mapping[str, Count] = field(default_factory=dict)

    def about(self, person: str | None, now: Moment) -> bool:
        """Whether a blink of this person's face will not do."""
        return person is not None and self._left(person, now) >= A_DAY

    def after(self, person: str, tries: float, now: Moment) -> Doubts:
        """The state after this many more tries, 0 to 1."""
        counts = self.resumed(now).counts
        all_told = tries + (counts[person].tries if person in counts else 0.0)
        count = Count(all_told if all_told < A_DAY else _DOUBTED, now)
        return Doubts({**counts, person: count})

    def cleared(self, person: str | None) -> Doubts:
        """The state after this person has answered a challenge."""
        return replace(self, counts={n: c for n, c in self.counts.items() if n != person})

    def resumed(self, now: Moment) -> Doubts:
        """The same as of now: after a restart it begins to run off on the present clock."""
        left = {name: self._left(name, now) for name in self.counts}
        return Doubts({name: Count(tries, now) for name, tries in left.items() if tries})

    def to_json(self) -> str:
        """For the ledger."""
        return json.dumps({name: asdict(count) for name, count in self.counts.items()})

    @classmethod
    def from_json(cls, text: str) -> Doubts:
        """What `to_json` wrote.

        Raises:
            LedgerError: it is not that.
        """
        try:
            return cls(plain.read(dict[str, Count], json.loads(text)))
        except (ValueError, RecursionError) as error:
            raise LedgerError(f"the stored doubts are damaged: {error}") from error

    def _left(self, person: str, now: Moment) -> float:
        count = self.counts.get(person)
        return max(0.0, count.tries - now.since(count.at) * _RUNS_OFF) if count else 0.0
