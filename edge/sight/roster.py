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

from edge.access.entries import obeyable
from edge.access.members import with_members
from edge.errors import EdgeDoorError, LedgerError, RosterError, VaultError
from edge.records import Reason
from edge.roster.desired import Desired, verify
from edge.roster.envelope import Address, Content, DoorKey
from edge.roster.pages import Member, digest, missing
from edge.roster.plan import Plan, check_order, plan
from edge.roster.report import LIST, Report
from edge.sight.account import STATE, Account
from edge.sight.changes import recorded
from edge.sight.likeness import Network, refuse_lookalikes
from edge.sight.meant import STATE as MEANT
from edge.sight.meant import Meant
from edge.sight.pieces import Pieces
from edge.sight.restored import Restored
from edge.wire.messages import Part, Posted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from edge.access.members import MemberSchedule
    from edge.access.schedule import Schedule
    from edge.config import Config
    from edge.ledger.ledger import Ledger
    from edge.sight.journal import Journal
    from edge.vault.vault import Vault

AT_ONCE = 100
"""People taken in with one change of the vault."""
SETTLE_S = 0.5
"""Nothing has come for so long: what is here is taken in."""

log = logging.getLogger(__name__)


class Roster:
    """What the centre wants known here, and how far that is."""

    def __init__(
        self,
        config: Config,
        vault: Vault,
        ledger: Ledger,
        journal: Journal,
        network: Network,
    ) -> None:
        """Take up what was obeyed.

        Args:
            config: Of the door.
            vault: Who may enter.
            ledger: Remembers.
            journal: Writes there.
            network: The one in use.
        """
        self._config = config.people
        self._named = config.access.named
        self._device = config.device.id
        self._vault = vault
        self._ledger = ledger
        self._journal = journal
        self._network = network
        self._key: DoorKey = vault.door_key
        self._pieces = Pieces()
        self._desired: Desired | None = None
        self._pages: dict[str, bytes] = {}
        self._wanted: dict[str, Member] = {}
        self._opened: dict[str, tuple[Member, Content]] = {}
        self._came = 0.0
        self._head = vault.members.head()
        self._known = len(vault.members.held())
        self._restored = Restored(ledger, journal)
        self._meant = Meant.from_json(ledger.sealed().get(MEANT, ""))
        self._account = Account(journal, ledger.states().get(STATE, ""), self._report)
        self._account.tell()

    def schedule(self, configured: Schedule) -> MemberSchedule:
        """The configured schedule with the centre's people in it."""
        members = self._vault.members
        held, restored = members.held().values(), bool(self._restored.asks)
        return with_members(configured, held, members.head(), restored=restored)

    def meant(self) -> Mapping[str, str]:
        """Whom of the centre's people the door's rules mean: see `Meant.called`."""
        numbers = self._meant.numbers
        return self._meant.called(self._vault.members.held()) if numbers else {}

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
        if self._restored.changed():
            self._desired, self._opened, self._wanted = None, {}, {}  # none of it answers
            self._account.tell()
            return True
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
            self._account.accept()
            self._account.tell()
            return False
        opened, self._opened = self._opened, {}
        try:
            self._journal.require()  # the room held back for denials is for nobody else
            return self._obey(self._desired, opened)
        except (LedgerError, VaultError) as error:
            self._account.refuse({LIST: str(error)})
            raise

    def _report(self) -> str:
        if not self._config.keys and not self._account.told:
            return ""
        pages = () if self._desired is None else missing(self._desired.pages, self._pages)
        report = Report(
            device=self._device,
            generation=self._head.generation,
            digest=self._head.digest,
            model=self._network.model,
            key=self._key.public,
            keys=self._config.keys,
            signatures=self._config.signatures,
            restored=self._restored.asks,
            lease=self._head.lease,
            known=self._known,
            pages=pages,
            envelopes=tuple(self._wanted)[:AT_ONCE],
            waiting=len(self._wanted),
            refused=self._account.refused,
            erased=self._account.erased,
        )
        return report.to_json(self._key).decode("ascii")

    def _take_list(self, message: bytes) -> bool:
        try:
            desired = verify(message, self._config.keys, self._config.signatures, self._device)
            check_order(desired, self._head, self._restored.asks)
        except RosterError as error:
            self._account.refuse({LIST: str(error)})
            raise
        if desired != self._desired:
            self._desired, self._wanted = desired, {}
            self._account.begin()
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
        del self._wanted[member.envelope]
        try:
            self._opened[member.person] = member, self._open(envelope, member)
        except RosterError as error:
            self._account.refuse({member.person: f"{member.name} is not taken in: {error}"})
            raise
        self._came = time.monotonic()
        return self.settle() if len(self._opened) >= AT_ONCE or not self._wanted else False

    def _open(self, envelope: bytes, member: Member) -> Content:
        address = Address(self._device, member.person, self._network.model, member.sealed)
        content = self._key.open(envelope, address)
        if content.vectors.shape[1] != self._network.size:
            raise RosterError(
                f"the envelope holds vectors of {content.vectors.shape[1]} numbers, and this "
                f"door's network makes {self._network.size}"
            )
        return content

    def _obey(self, desired: Desired, opened: Mapping[str, tuple[Member, Content]]) -> bool:
        """Note what will be done, then do it; nothing is done half."""
        listed = obeyable(self._pages[name] for name in desired.pages)
        todo, held = self._plan(desired, listed.members, again=bool(opened))
        came = _still_wanted(todo, opened)
        refused = self._resembling(todo, came, held)
        taken = _without(came, refused)
        changed = bool(todo.removed or todo.updated or taken)
        if changed or todo.head != self._head:
            refused |= self._change(todo, taken, held)
            taken = _without(taken, refused)
            self._head = todo.head
            self._known = len(set(held) - set(todo.removed) | _numbers(taken))
        changed = self._restored.answered() or changed
        self._account.forgot(held[person] for person in todo.removed)
        self._account.took_in(member for member, _ in taken)
        waited = {member.person for member in todo.wanted}
        right = {member.person for member in todo.updated} - waited
        self._account.accept((right | _numbers(taken)) - set(refused))
        self._account.refuse({**listed.refused, **refused})
        self._want(todo, _numbers(came) | set(self._opened))
        self._account.tell()
        return changed

    def _resembling(
        self, todo: Plan, came: Sequence[tuple[Member, Content]], held: Mapping[str, Member]
    ) -> dict[str, str]:
        """Whom of those that came somebody resembles who is here to stay, and how."""
        changing = _numbers(came) | set(todo.removed)
        leaving = [member for person, member in held.items() if person in changing]
        return refuse_lookalikes(self._vault, came, leaving, self._network)

    def _change(
        self, todo: Plan, taken: Sequence[tuple[Member, Content]], held: Mapping[str, Member]
    ) -> dict[str, str]:
        """Change who is known, in one; who could not be taken in, and why."""
        people = [one.name for one in self._vault.people()] if self._named else []
        meant = self._meant.after(self._named, held, people)
        with recorded(
            self._ledger,
            self._vault,
            self._device,
            Reason.ROSTER_OBEYED,
            None,
            {MEANT: meant.to_json()},
            generation=todo.head.generation,
            removed=len(todo.removed),
            taken_in=len(taken),
        ):
            self._meant = meant
            return self._vault.members.obey(todo, taken, self._network.model)

    def _want(self, todo: Plan, here: set[str]) -> None:
        """Ask for the envelopes of whoever is neither here nor refused."""
        self._wanted = {
            member.envelope: member
            for member in todo.wanted
            if member.person not in here and not self._account.refuses(member.person)
        }

    def _plan(
        self, desired: Desired, members: Iterable[Member], *, again: bool
    ) -> tuple[Plan, dict[str, Member]]:
        """What is to be done; `again`: even what was refused, since somebody came meanwhile."""
        held = self._vault.members.held()
        found = plan(desired, members, held)
        refuses = self._account.refuses
        updated = tuple(one for one in found.updated if again or not refuses(one.person))
        return replace(found, updated=updated), held


def _still_wanted(
    todo: Plan, opened: Mapping[str, tuple[Member, Content]]
) -> list[tuple[Member, Content]]:
    """What was opened and is what the list asks for now."""
    right = {member.person: member.envelope for member in todo.wanted}
    return [one for person, one in opened.items() if right.get(person) == one[0].envelope]


def _without(
    taken: Sequence[tuple[Member, Content]], refused: Mapping[str, str]
) -> list[tuple[Member, Content]]:
    return [one for one in taken if one[0].person not in refused]


def _numbers(taken: Sequence[tuple[Member, Content]]) -> set[str]:
    return {member.person for member, _ in taken}
