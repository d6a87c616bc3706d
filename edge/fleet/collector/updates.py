"""Roll-outs as the office tells of them, and how far each door is, into the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.errors import WireError
from edge.fleet.database.many import put
from edge.fleet.database.tables import rollouts, updates
from edge.link.payloads import RolloutPlan, UpdateReported, from_json, to_json

if TYPE_CHECKING:
    from sqlalchemy import Connection

REPORTED = "update/reported"


class HeardUpdates:
    """What came since the last batch, the newest of each."""

    def __init__(self) -> None:
        self._plans: dict[int, RolloutPlan] = {}
        self._reports: dict[str, UpdateReported] = {}

    def __len__(self) -> int:
        return len(self._plans) + len(self._reports)

    def plan(self, payload: bytes) -> None:
        """Take in how far a roll-out is.

        Raises:
            WireError: it is none.
        """
        plan = from_json(RolloutPlan, payload)
        self._plans[plan.version] = plan

    def report(self, device: str, payload: bytes) -> None:
        """Take in what a door says of its update.

        Raises:
            WireError: it is no report, or another door's.
        """
        report = from_json(UpdateReported, payload)
        if report.device != device:
            raise WireError("another door's report of an update")
        self._reports[device] = report

    def keep(self, connection: Connection, now: float) -> None:
        """Write it, within one transaction; nothing is kept here afterwards."""
        plans, reports = self._plans, self._reports
        self._plans, self._reports = {}, {}
        rows = [{"version": v, "plan": to_json(p).decode(), "at": now} for v, p in plans.items()]
        put(connection, rollouts, rows)
        said = [
            {"device": d, "reported": to_json(r).decode(), "at": now} for d, r in reports.items()
        ]
        put(connection, updates, said)
