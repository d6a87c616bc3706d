"""What sight says of the centre's lists: who came and went, who was refused and why, receipts."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from edge.access.bucket import TokenBucket
from edge.clock import now
from edge.errors import RosterError
from edge.records import EventKind, Reason
from edge.roster.report import LIST, Report
from edge.sight.journal import Entry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from edge.roster.pages import Member
    from edge.sight.journal import Journal

STATE = "roster"
"""The ledger's state that holds the report."""
_SAID = 50
"""So many refusals and receipts a report names."""

log = logging.getLogger(__name__)


class Account:
    """Keeps it in the ledger: the report for link, and an event for each."""

    def __init__(self, journal: Journal, told: str, report: Callable[[], str]) -> None:
        """`told` is the last report, which an earlier start may have made; `report` makes one."""
        self._journal = journal
        self._told = told
        self._report = report
        self._refused: dict[str, str] = {}
        self._erased = _receipts(told)
        # Whoever owns the broker decides how often there is something to refuse.
        self._refusals = TokenBucket(per_second=1 / 600, burst=60)

    @property
    def told(self) -> bool:
        """Whether there has been a report."""
        return bool(self._told)

    @property
    def refused(self) -> dict[str, str]:
        """Why, by the person's number or LIST; the first of them."""
        return dict(list(self._refused.items())[:_SAID])

    @property
    def erased(self) -> dict[str, float]:
        """Receipts: when who was forgotten; the newest."""
        return self._erased

    def refuses(self, what: str) -> bool:
        """Whether a person, by number, is refused."""
        return _printed(what) in self._refused

    def begin(self) -> None:
        """Another list: nobody on it is refused yet."""
        self._refused = {}

    def accept(self, people: Iterable[str] = ()) -> None:
        """Nothing is wrong with the list as such, and nothing any more with these."""
        for what in (LIST, *people):
            self._refused.pop(what, None)

    def refuse(self, refused: Mapping[str, str]) -> None:
        """Say once who, or which list, is refused and why."""
        told = {_printed(what): _printed(why) for what, why in refused.items()}
        news = {what: why for what, why in told.items() if self._refused.get(what) != why}
        self._refused |= news
        written = False
        for what, why in news.items():
            log.warning("%s", why)
            if self._refusals.take(time.monotonic()):
                written = True
                detail = {"what": what, "why": why}
                states = {STATE: self._report()}
                self._journal.note(
                    EventKind.PEOPLE, Reason.ROSTER_REFUSED, states=states, detail=detail
                )
        if written:  # else it is told with what changes next: each report costs a write
            self.tell()

    def forgot(self, members: Iterable[Member]) -> None:
        """Give a receipt for each."""
        gone = tuple(members)
        self._note(gone, Reason.REMOVED)
        receipts = self._erased | {one.person: round(now().wall, 3) for one in gone}
        self._erased = dict(list(receipts.items())[-_SAID:])

    def took_in(self, members: Iterable[Member]) -> None:
        """Write down who came; a receipt from before says nothing any more."""
        here = tuple(members)
        self._note(here, Reason.ENROLLED)
        for member in here:
            self._erased.pop(member.person, None)

    def tell(self) -> None:
        """Keep for link what is to be published, if it has changed."""
        text = self._report()
        # Not `keep`: that nobody can be taken in for want of room must be said even so.
        if text != self._told and self._journal.note_all((), {STATE: text}):
            self._told = text

    def _note(self, members: Iterable[Member], reason: Reason) -> None:
        entries = [
            Entry(EventKind.PEOPLE, reason, person=member.name, detail=_detail(member))
            for member in members
        ]
        self._journal.note_all(entries, {})


def _printed(text: str) -> str:
    """What was no name may stand in it; a report that holds such is no report to its readers."""
    return "".join(each if each.isprintable() else "?" for each in text)


def _detail(member: Member) -> dict[str, str | float | bool]:
    return {"from": "people office", "number": member.person}


def _receipts(told: str) -> dict[str, float]:
    try:
        return dict(Report.from_json(told.encode()).erased)
    except RosterError:
        return {}
