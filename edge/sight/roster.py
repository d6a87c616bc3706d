"""People from the centre, as sight obeys them: the one place where an envelope is opened.

Lists, their pages and envelopes come from link, which reads none of them. A list is obeyed once
its pages are here: noted in the ledger, then one change of the vault. Whose envelope has not come
is waited for, and `report` says so, so that link asks the broker for it. Envelopes are opened as
they come and taken in many at a time, since every change of the vault seals the whole of it.
"""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from edge.access.bucket import TokenBucket
from edge.access.members import with_members
from edge.access.schedule import parse
from edge.clock import now
from edge.errors import EdgeDoorError, LedgerError, RosterError, VaultError
from edge.records import EventKind, Reason
from edge.roster.desired import Desired, verify
from edge.roster.envelope import Address, Content, DoorKey
from edge.roster.pages import Member, digest, gather, missing
from edge.roster.plan import Plan, check_order, plan
from edge.roster.report import LIST, Report
from edge.sight.changes import RESTORED, recorded
from edge.sight.journal import Entry
from edge.sight.pieces import Pieces
from edge.wire.messages import Part, Posted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from edge.access.members import MemberSchedule
    from edge.access.schedule import Schedule
    from edge.config import Config
    from edge.ledger.ledger import Ledger
    from edge.sight.journal import Journal
    from edge.vault.vault import Vault

STATE = "roster"
"""The ledger's state that holds the report."""
AT_ONCE = 100
"""People taken in with one change of the vault."""
SETTLE_S = 0.5
"""Nothing has come for so long: what is here is taken in."""
_SAID = 50
"""So many refusals and receipts a report names, and as many envelopes as are taken in at once."""

log = logging.getLogger(__name__)


class Roster:
    """What the centre wants known here, and how far that is."""

    def __init__(
        self, config: Config, vault: Vault, ledger: Ledger, journal: Journal, model: str
    ) -> None:
        """`model`: SHA-256 of the network in use."""
        self._config = config.people
        self._device = config.device.id
        self._vault = vault
        self._ledger = ledger
        self._journal = journal
        self._model = model
        self._key: DoorKey = vault.door_key
        self._pieces = Pieces()
        self._desired: Desired | None = None
        self._pages: dict[str, bytes] = {}
        self._wanted: dict[str, Member] = {}
        self._opened: dict[str, tuple[Member, Content]] = {}
        self._came = 0.0
        self._head = vault.members.head()
        self._known = len(vault.members.held())
        self._refused: dict[str, str] = {}
        self._restored = ledger.sealed().get(RESTORED, "")
        self._told = ledger.states().get(STATE, "")
        self._erased = _receipts(self._told)
        # Whoever owns the broker decides how often there is something to refuse.
        self._refusals = TokenBucket(per_second=1 / 600, burst=60)
        self.report()

    def schedule(self, configured: Schedule) -> MemberSchedule:
        """The configured schedule with the centre's people in it."""
        members = self._vault.members
        held, restored = members.held().values(), bool(self._restored)
        return with_members(configured, held, members.head(), restored=restored)

    def take(self, part: Part) -> bool:
        """A piece from link; True when people have changed.

        Raises:
            RosterError: it is out of order, or what is now whole is refused; says why.
        """
        whole = self._pieces.take(part)
        if whole is None:
            return False
        if part.what is Posted.LIST:
            return self._take_list(whole)
        return self._take_page(whole) if part.what is Posted.PAGE else self._take_envelope(whole)

    def tend(self) -> bool:
        """Take in who has come, once no more come; True when people have changed."""
        if not self._opened or time.monotonic() - self._came < SETTLE_S:
            return False
        try:
            return self.settle()
        except EdgeDoorError as error:  # their envelopes are asked for again
            log.error("nobody was taken in: %s", error)
            return False

    def settle(self) -> bool:
        """Obey what is here; True when people have changed.

        Raises:
            EdgeDoorError: nothing was done; says why.
        """
        if self._desired is None:
            return False
        if missing(self._desired.pages, self._pages):
            self._refused.pop(LIST, None)
            self.report()
            return False
        opened, self._opened = self._opened, {}
        try:
            self._journal.require()  # the room held back for denials is for nobody else
            return self._obey(self._desired, opened)
        except (LedgerError, VaultError) as error:
            self._say_refused({LIST: str(error)})
            raise

    def report(self) -> None:
        """Keep for link what is to be published, if it has changed."""
        text = self._report()
        # Not `keep`: that nobody can be taken in for want of room must be said even so.
        if text != self._told and self._journal.note_all((), {STATE: text}):
            self._told = text

    def _report(self) -> str:
        if not self._config.keys and not self._told:
            return ""
        pages = () if self._desired is None else missing(self._desired.pages, self._pages)
        report = Report(
            device=self._device,
            generation=self._head.generation,
            digest=self._head.digest,
            model=self._model,
            key=self._key.public,
            keys=self._config.keys,
            signatures=self._config.signatures,
            restored=self._restored,
            lease=self._head.lease,
            known=self._known,
            pages=pages,
            envelopes=tuple(self._wanted)[:AT_ONCE],
            waiting=len(self._wanted),
            refused=dict(list(self._refused.items())[:_SAID]),
            erased=self._erased,
        )
        return report.to_json().decode("ascii")

    def _take_list(self, message: bytes) -> bool:
        try:
            desired = verify(message, self._config.keys, self._config.signatures, self._device)
            check_order(desired, self._head, self._restored)
        except RosterError as error:
            self._say_refused({LIST: str(error)})
            raise
        if desired != self._desired:
            self._desired, self._wanted, self._refused = desired, {}, {}
            self._pages = {n: page for n, page in self._pages.items() if n in desired.pages}
        return self.settle()

    def _take_page(self, page: bytes) -> bool:
        named = () if self._desired is None else self._desired.pages
        name = digest(page)
        if name not in missing(named, self._pages):
            raise RosterError("a page of a list of people came that nobody asked for")
        self._pages[name] = page
        return self.settle()

    def _take_envelope(self, envelope: bytes) -> bool:
        member = self._wanted.get(digest(envelope))
        if member is None:
            raise RosterError("an envelope came that nobody asked for")
        address = Address(self._device, member.person, self._model, member.sealed)
        del self._wanted[member.envelope]
        try:
            self._opened[member.person] = member, self._key.open(envelope, address)
        except RosterError as error:
            self._say_refused({member.person: str(error)})
            raise
        self._came = time.monotonic()
        return self.settle() if len(self._opened) >= AT_ONCE or not self._wanted else False

    def _obey(self, desired: Desired, opened: Mapping[str, tuple[Member, Content]]) -> bool:
        """Note what will be done, then do it; nothing is done half."""
        todo, held = self._plan(desired)
        right = {member.person: member.envelope for member in todo.wanted}
        taken = [one for person, one in opened.items() if right.get(person) == one[0].envelope]
        changed = bool(todo.removed or todo.updated or taken)
        refused: dict[str, str] = {}
        if changed or todo.head != self._head:
            with recorded(
                self._ledger,
                self._vault,
                self._device,
                Reason.ROSTER_OBEYED,
                None,
                generation=todo.head.generation,
                removed=len(todo.removed),
                taken_in=len(taken),
            ):
                refused = self._vault.members.obey(todo, taken, self._model)
            self._head = todo.head
            new = [one for one, _ in taken if one.person not in held and one.person not in refused]
            self._known = len(held) - len(todo.removed) + len(new)
        changed = self._confirmed() or changed
        self._note([held[person] for person in todo.removed], Reason.REMOVED)
        self._note([one for one, _ in taken if one.person not in refused], Reason.ENROLLED)
        receipts = self._erased | dict.fromkeys(todo.removed, round(now().wall, 3))
        self._erased = dict(list(receipts.items())[-_SAID:])
        self._refused.pop(LIST, None)
        self._say_refused(refused)
        here = {member.person for member, _ in taken} | set(self._refused) | set(self._opened)
        self._wanted = {m.envelope: m for m in todo.wanted if m.person not in here}
        self.report()
        return changed

    def _plan(self, desired: Desired) -> tuple[Plan, dict[str, Member]]:
        held = self._vault.members.held()
        try:
            members = gather(self._pages[name] for name in desired.pages)
            _check_schedules(members)
        except RosterError as error:
            self._desired = None
            self._say_refused({LIST: str(error)})
            raise
        found = plan(desired, members, held)
        updated = tuple(one for one in found.updated if one.person not in self._refused)
        return replace(found, updated=updated), held

    def _confirmed(self) -> bool:
        """A list that answers is obeyed; True when people may pass by it who might not before."""
        if not self._restored:
            return False
        states = {RESTORED: ""}
        self._journal.write(EventKind.PEOPLE, Reason.OFFICE_ANSWERED, states=states)
        self._restored = ""
        return True

    def _note(self, members: Iterable[Member], reason: Reason) -> None:
        entries = [
            Entry(
                EventKind.PEOPLE,
                reason,
                person=member.name,
                detail={"from": "people office", "number": member.person},
            )
            for member in members
        ]
        self._journal.note_all(entries, {})

    def _say_refused(self, refused: Mapping[str, str]) -> None:
        news = {what: why for what, why in refused.items() if self._refused.get(what) != why}
        self._refused |= news
        for what, why in news.items():
            log.warning("%s", why)
            if self._refusals.take(time.monotonic()):
                detail = {"what": what, "why": why}
                states = {STATE: self._report()}
                self._journal.note(
                    EventKind.PEOPLE, Reason.ROSTER_REFUSED, states=states, detail=detail
                )
        if news:
            self.report()


def _check_schedules(members: Iterable[Member]) -> None:
    try:
        parse({member.person: member.schedule or ("always",) for member in members})
    except ValueError as error:
        raise RosterError(f"the list of people has a schedule that is none: {error}") from error


def _receipts(told: str) -> dict[str, float]:
    """Those of the last report, which an earlier start of the program made."""
    try:
        return dict(Report.from_json(told.encode()).erased)
    except RosterError:
        return {}
