"""People from the centre, as sight obeys them: the one place where an envelope is opened.

Parts of lists and envelopes come from link, which reads neither. A list is checked, noted in the
ledger, and then obeyed in one change of the vault; whose envelope has not come is waited for, and
`report` says so, so that link asks the broker for it.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from edge.access.members import with_members
from edge.access.schedule import parse
from edge.clock import now
from edge.errors import RosterError
from edge.records import EventKind, Reason
from edge.roster.canonical import from_base64
from edge.roster.desired import Desired, Member, verify
from edge.roster.envelope import Address, Content, DoorKey, digest
from edge.roster.plan import Plan, plan
from edge.roster.report import Report
from edge.sight.changes import recorded
from edge.sight.journal import Journal
from edge.wire.messages import Part, Posted

if TYPE_CHECKING:
    from edge.access.members import MemberSchedule
    from edge.access.schedule import Schedule
    from edge.config import Config
    from edge.ledger.ledger import Ledger
    from edge.vault.vault import Vault

MAX_PARTS = 400
"""Of one list or envelope: 20,000 people need 140 packets."""
STATE = "roster"
"""The ledger's state that holds the report."""

log = logging.getLogger(__name__)


class Roster:
    """What the centre wants known here, and how far that is."""

    def __init__(self, config: Config, vault: Vault, ledger: Ledger, model: str) -> None:
        """`model`: SHA-256 of the network in use."""
        self._config = config.people
        self._device = config.device.id
        self._vault = vault
        self._ledger = ledger
        self._journal = Journal(ledger, config.device.id)
        self._model = model
        self._key: DoorKey = vault.door_key
        self._parts: list[str] = []
        self._desired: Desired | None = None
        self._refused: dict[str, str] = {}
        self._erased: dict[str, float] = {}
        self._told = ""
        self.report()

    def schedule(self, configured: Schedule) -> MemberSchedule:
        """The configured schedule with the centre's people in it."""
        members = self._vault.members
        return with_members(configured, members.held().values(), members.head())

    def take(self, part: Part) -> bool:
        """A piece from link; True when people have changed.

        Raises:
            RosterError: it is out of order, or what is now whole is refused; says why.
        """
        if part.part == 0:
            self._parts = []
        if part.part != len(self._parts) or not part.part < part.parts <= MAX_PARTS:
            self._parts = []
            raise RosterError("a piece of the list of people is missing: it must be sent again")
        self._parts.append(part.data)
        if len(self._parts) < part.parts:
            return False
        whole = b"".join(from_base64(data, "a piece") for data in self._parts)
        self._parts = []
        return self._list(whole) if part.what is Posted.LIST else self._envelope(whole)

    def report(self) -> None:
        """Keep for link what is to be published, if it has changed."""
        if not self._config.keys:
            return
        head, held = self._vault.members.head(), self._vault.members.held()
        waiting = () if self._desired is None else self._waiting(self._desired, held)
        report = Report(
            device=self._device,
            generation=head.generation,
            digest=head.digest,
            model=self._model,
            key=self._key.public,
            known=len(held),
            waiting=tuple(member.envelope for member in waiting),
            refused=self._refused,
            erased=self._erased,
        )
        text = report.to_json().decode("ascii")
        if text != self._told and self._journal.keep({STATE: text}):
            self._told = text

    def _list(self, message: bytes) -> bool:
        try:
            desired = verify(message, self._config.keys, self._config.signatures, self._device)
            todo = plan(desired, self._vault.members.head(), self._vault.members.held())
            _check_schedules(desired)
        except RosterError as error:
            self._say_refused("list", str(error))
            raise
        self._refused, self._desired = {}, desired
        changed = self._obey(todo, ())
        self.report()
        return changed

    def _envelope(self, envelope: bytes) -> bool:
        if self._desired is None:
            raise RosterError("an envelope came before its list")
        todo = plan(self._desired, self._vault.members.head(), self._vault.members.held())
        hashed = digest(envelope)
        for member in todo.wanted:
            if member.envelope == hashed:
                return self._open(todo, member, envelope)
        raise RosterError("an envelope came that nobody asked for")

    def _open(self, todo: Plan, member: Member, envelope: bytes) -> bool:
        address = Address(self._device, member.person, self._model, member.sealed)
        try:
            content = self._key.open(envelope, address)
        except RosterError as error:
            self._say_refused(member.person, str(error))
            raise
        changed = self._obey(todo, ((member, content),))
        self.report()
        return changed

    def _obey(self, todo: Plan, opened: tuple[tuple[Member, Content], ...]) -> bool:
        """Note what will be done, then do it."""
        held = self._vault.members.held()
        if not (todo.removed or todo.updated or opened) and todo.head == self._vault.members.head():
            return False
        with recorded(
            self._ledger,
            self._vault,
            self._device,
            Reason.ROSTER_OBEYED,
            None,
            generation=todo.head.generation,
            removed=len(todo.removed),
            taken_in=len(opened),
        ):
            refused = self._vault.members.obey(todo, opened, self._model)
        for person in todo.removed:
            self._note_person(Reason.REMOVED, held[person])
            self._erased[person] = round(now().wall, 3)
        for member, _ in opened:
            if member.person in refused:
                self._say_refused(member.person, refused[member.person])
            else:
                self._note_person(Reason.ENROLLED, member)
        return bool(todo.removed or todo.updated or len(opened) > len(refused))

    def _note_person(self, reason: Reason, member: Member) -> None:
        detail = {"from": "people office", "number": member.person}
        self._journal.note(EventKind.PEOPLE, reason, person=member.name, detail=detail)

    def _say_refused(self, what: str, why: str) -> None:
        if self._refused.get(what) == why:
            return
        self._refused[what] = why
        log.warning("%s", why)
        detail = {"what": what, "why": why}
        self._journal.note(EventKind.PEOPLE, Reason.ROSTER_REFUSED, detail=detail)
        self.report()

    def _waiting(self, desired: Desired, held: dict[str, Member]) -> list[Member]:
        return [
            member
            for member in desired.members
            if member.person not in self._refused
            and (member.person not in held or held[member.person].envelope != member.envelope)
        ]


def _check_schedules(desired: Desired) -> None:
    try:
        parse({member.person: member.schedule or ("always",) for member in desired.members})
    except ValueError as error:
        raise RosterError(f"the list of people has a schedule that is none: {error}") from error
