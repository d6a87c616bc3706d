"""The rules that remember: the schedule, and the failures that lock people out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.access import schedule
from edge.access.lockout import Lockout, Rules
from edge.clock import now

if TYPE_CHECKING:
    from edge.config import Config
    from edge.sight.journal import Journal


class Rulebook:
    """Holds what outlives one attempt. Lockouts survive a restart through the ledger."""

    def __init__(self, config: Config, journal: Journal) -> None:
        """Take up what the ledger remembers.

        Raises:
            ConfigError: the schedule has a mistake.
            LedgerError: what was remembered is damaged.
        """
        access = config.access
        self.schedule = schedule.parse(access.schedule, access.time_zone)
        rules = Rules(access.max_failures, access.lockout_s, access.lockout_max_s)
        stored = journal.state("lockout")
        remembered = Lockout.from_json(stored, rules).resumed(now()) if stored else None
        self.lockout = remembered or Lockout(rules)

    def states(self) -> dict[str, str]:
        """What to write with the event that changed it."""
        return {"lockout": self.lockout.to_json()}
