"""The rules that remember: the schedule, and the failures that lock people out."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from edge.access import schedule
from edge.access.doubts import Doubts
from edge.access.lockout import Lockout, LockoutRules
from edge.clock import now
from edge.config.seeing import Level
from edge.moment import SET_BACK_S, Latest
from edge.names import folded, listed, nobodys
from edge.records import EventKind, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from edge.access.schedule import Schedule
    from edge.config import Config
    from edge.moment import Moment
    from edge.sight.journal import Journal

log = logging.getLogger(__name__)


class Rulebook:
    """Holds what outlives one attempt. Lockouts survive a restart through the ledger."""

    def __init__(self, config: Config, journal: Journal) -> None:
        """Take up what the ledger remembers.

        Raises:
            LedgerError: what was remembered is damaged.
        """
        access = self._access = config.access
        self._journal = journal
        self._at_start: list[str] | None = None
        self._told: tuple[Sequence[str], Sequence[str]] = [], []
        self._configured = schedule.parse(access.schedule, access.time_zone)
        self.schedule = self._configured
        self._latest = Latest(float(journal.state("wall") or 0.0))
        self._set_back = False
        rules = LockoutRules(access.max_failures, access.lockout_s, access.lockout_max_s)
        stored = journal.state("lockout")
        remembered = Lockout.from_json(stored, rules).resumed(now()) if stored else None
        self.lockout = remembered or Lockout(rules)
        doubts = journal.state("doubts")
        self.doubts = Doubts.from_json(doubts).resumed(now()) if doubts else Doubts()
        self._may_ask = config.liveness.level is not Level.BLINK and config.can_instruct

    def know(self, people: Sequence[str], meant: Mapping[str, str]) -> None:
        """Hear who is enrolled: at the start, and whenever that has changed.

        A schedule never lapses because its person was renamed, here or at the people office.

        Args:
            people: Who is enrolled.
            meant: What the office's people whom the rules mean are called: `Meant.called`.

        Raises:
            ConfigError: at the start, the rules name somebody who is not enrolled and never was.
        """
        if self._at_start is None:
            self._access.require_known(people, meant)
            self._at_start = list(people)
        lost = nobodys(self._access.named, people)
        moved = [name for name in lost if folded(name) in meant]
        suspects = [meant[folded(name)] for name in moved if meant[folded(name)]]
        if len(moved) < len(lost):
            suspects += nobodys(people, self._at_start)
        self._tell(lost if moved or suspects else [], nobodys(suspects, self._access.schedule))
        self.schedule = self._configured.doubting(suspects)

    def _tell(self, lost: Sequence[str], barred: Sequence[str]) -> None:
        """Say once that the file names people who are nobody's, and whom that keeps out."""
        if (lost, barred) == self._told:
            return
        self._told = lost, barred
        if lost:
            log.warning(
                "the rules name %s, whom nobody is called any more: mend the file, and start sight "
                "again",
                listed(lost),
            )
            told = {"names": listed(lost)} | ({"barred": listed(barred)} if barred else {})
            self._journal.note(EventKind.SYSTEM, Reason.RULES_NAME_NOBODY, detail=told)
        if barred:
            log.error(
                "until then %s may not pass, unless the people office gave them hours",
                listed(barred),
            )

    def not_before(self, moment: Moment) -> float:
        """What the wall clock shows at least, unless somebody has set it back."""
        self._latest = self._latest.after(moment)
        return self._latest.not_before(moment)

    def schedule_at(self, moment: Moment) -> Schedule:
        """The schedule, which knows of the latest that the clock has shown until this moment."""
        self.not_before(moment)
        if self.schedule.latest is not self._latest:
            self.schedule = replace(self.schedule, latest=self._latest)
        behind_s = self._latest.behind_s(moment)
        if self._set_back is not behind_s > SET_BACK_S:
            self._set_back = not self._set_back
            if self._set_back:
                log.warning(
                    "the clock is %.0f s behind what it showed before: until it is right, nobody "
                    "of the people office who has an end may pass. If it was ahead before, stop "
                    "the programs, and `edge-door ledger accept` forgets that",
                    behind_s,
                )
        return self.schedule

    def wary_of(self) -> frozenset[str]:
        """By whose face a blink will not do now; nobody where the door has no way to ask."""
        moment, counts = now(), self.doubts.counts
        return frozenset(
            each for each in counts if self._may_ask and self.doubts.about(each, moment)
        )

    def doubt(self, person: str, tries: float) -> bool:
        """Count tries without a proof of life: whether these were the ones too many."""
        moment, before = now(), self.doubts
        self.doubts = before.after(person, tries, moment)
        return self.doubts.about(person, moment) and not before.about(person, moment)

    def states(self) -> dict[str, str]:
        """What to write with the event that changed it."""
        return {"lockout": self.lockout.to_json(), "doubts": self.doubts.to_json()}
