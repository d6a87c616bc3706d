"""Lists of people and what doors say of them, into the database: names, hours, hashes and ends.

Envelopes are not subscribed to; what a template is never comes here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select, update

from edge.errors import RosterError, WireError
from edge.fleet.database.tables import roster_pages, rosters
from edge.fleet.rosters import NOT_BELIEVED, believed, read
from edge.roster.desired import MAX_PAGES, Desired, signers
from edge.roster.pages import MAX_PAGE, digest, gather
from edge.roster.report import Report

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from edge.fleet.database.rows import RosterRow

TOPICS = ("people/desired", "people/reported", "people/page/+")
OLDER = "somebody published an old list again"


@dataclass(slots=True)
class HeardPeople:
    """What came for one door since the last batch."""

    desired: tuple[Desired, tuple[str, ...]] | None = None
    report: Report | None = None
    reported: str = ""
    """The same, as it was signed."""
    pages: dict[str, tuple[int, str]] = field(default_factory=dict)

    @property
    def anything(self) -> bool:
        """Whether something came."""
        return bool(self.desired or self.report or self.pages)

    def read(self, device: str, rest: str, payload: bytes) -> None:
        """Take in a message below `BASE/ID/people`.

        Raises:
            WireError: it is not what belongs there.
        """
        if not payload:
            return  # it was taken off the broker; what is known of it stays
        try:
            if rest == "people/desired":
                self.desired = signers(payload)
                if self.desired[0].device != device:
                    raise WireError("another door's list of people")
            elif rest == "people/reported":
                self.report, self.reported = Report.from_json(payload), payload.decode("utf-8")
                if self.report.device != device:
                    raise WireError("another door's report")
            elif len(payload) <= MAX_PAGE:
                self._page(rest.rpartition("/")[2], payload)
        except RosterError as error:
            raise WireError(str(error)) from error

    def _page(self, name: str, payload: bytes) -> None:
        if digest(payload) != name:
            raise WireError("a page of a list of people under another name")
        listed = gather([payload])
        if not listed.members:
            raise WireError(f"a page of a list of people that names nobody: {name}")
        self.pages[name] = len(listed.members), payload.decode("ascii")


def keep(connection: Connection, device: str, heard: HeardPeople) -> None:
    """Write it, within one transaction."""
    row = connection.execute(select(rosters).where(rosters.c.device == device)).first()
    if row is None:
        connection.execute(insert(rosters).values(device=device))
        row = connection.execute(select(rosters).where(rosters.c.device == device)).one()
    values: dict[str, str] = {}
    if heard.report is not None:
        values["reported"] = heard.reported
    _keep_pages(connection, device, heard.pages)
    if heard.desired is not None:
        desired, signed_by = heard.desired
        values["foreign"] = _objection(row, heard)
        if not values["foreign"]:
            values |= {"desired": desired.body, "signers": json.dumps(signed_by)}
            unnamed = roster_pages.c.hash.not_in(desired.pages)
            connection.execute(delete(roster_pages).where(roster_pages.c.device == device, unnamed))
    if values:
        connection.execute(update(rosters).where(rosters.c.device == device).values(**values))


def _objection(row: RosterRow, heard: HeardPeople) -> str:
    """Why the door will not obey the list that came; empty when nothing is known against it."""
    report = heard.report or read(row)[1]
    desired, signed_by = heard.desired or (None, ())
    if report is None or desired is None or not report.keys:
        return ""
    if not believed(report, signed_by):
        return NOT_BELIEVED
    return OLDER if desired.generation < report.generation else ""


def _keep_pages(connection: Connection, device: str, pages: dict[str, tuple[int, str]]) -> None:
    ours = roster_pages.c.device == device
    known = set(connection.execute(select(roster_pages.c.hash).where(ours)).scalars())
    new = [
        {"device": device, "hash": name, "people": people, "body": body}
        for name, (people, body) in pages.items()
        if name not in known
    ]
    count = connection.execute(select(func.count()).where(ours)).scalar_one()
    if new and count + len(new) <= 2 * MAX_PAGES:  # a list's, and those of the next one
        connection.execute(insert(roster_pages), new)
