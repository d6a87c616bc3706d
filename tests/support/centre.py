"""People from the centre without a network: an office, what lies on a broker, and sight's part of
doors that fetch it as link would."""

from __future__ import annotations

import base64
import json
import shutil
import time
import zlib
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from edge.access.schedule import Schedule, Verdict
from edge.config import Config, parse
from edge.errors import RosterError
from edge.ledger.reserve import Reserve
from edge.link.topics import Topics
from edge.moment import Moment
from edge.office.book import Book
from edge.office.keys import OfficeKeys
from edge.office.rows import Person
from edge.roster.desired import sign
from edge.roster.envelope import Content, fingerprint
from edge.roster.pages import digest
from edge.roster.report import Report
from edge.sight.account import STATE
from edge.sight.changes import accept_backup
from edge.sight.journal import Journal
from edge.sight.likeness import Network
from edge.sight.roster import Roster
from edge.sight.sealed_ledger import open_ledger
from edge.vault.vault import open_vault
from edge.wire.messages import Part, Posted

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from edge.ledger.ledger import Ledger
    from edge.office.book import Made
    from edge.records import Floats, Reason
    from edge.vault.vault import Vault

ALIKE = 0.95
"""From what cosine on two made-up templates are of one person."""
SIZE = 16
"""Numbers of a made-up vector."""
MODEL, OTHER_MODEL = "m" * 64, "n" * 64
Retained = dict[str, bytes]
"""What a broker holds, by topic."""


@dataclass
class Door:
    """Sight's part of a door, without a camera."""

    config: Config
    vault: Vault
    ledger: Ledger
    roster: Roster
    topics: Topics

    @classmethod
    def at(
        cls,
        folder: Path,
        device: str,
        *keys: str,
        signatures: int = 1,
        model: str = MODEL,
        size: int = SIZE,
        access: Mapping[str, object] | None = None,
    ) -> Door:
        config = parse(
            {
                "device": {"id": device},
                "paths": {"state": str(folder / device), "run": str(folder / device / "run")},
                "people": {"keys": list(keys), "signatures": signatures},
                "access": dict(access or {}),
            },
            "test",
        )
        return cls.of(config, model, size)

    @classmethod
    def of(cls, config: Config, model: str = MODEL, size: int = SIZE) -> Door:
        vault = open_vault(config)
        ledger = open_ledger(config)
        roster = roster_of(config, vault, ledger, model, size)
        return cls(config, vault, ledger, roster, Topics("facelock", config.device.id))

    def take(self, what: Posted, payload: bytes, piece: int = 30_000) -> None:
        pieces = [payload[i : i + piece] for i in range(0, len(payload), piece)] or [b""]
        for number, one in enumerate(pieces):
            data = base64.b64encode(one).decode("ascii")
            self.roster.take(Part(what, number, len(pieces), data))

    def fetch(self, broker: Retained) -> None:
        """The newest list, and what it needs as far as the broker has it."""
        self.take(Posted.LIST, broker[self.topics.people_desired])
        tried: set[str] = set()
        while True:
            report = self.report()
            wanted = {
                **{self.topics.people_page(each): Posted.PAGE for each in report.pages},
                **{self.topics.people_envelope(each): Posted.ENVELOPE for each in report.envelopes},
            }
            here = [topic for topic in wanted if topic in broker and topic not in tried]
            if not here:
                break
            for topic in here:
                tried.add(topic)
                try:
                    self.take(wanted[topic], broker[topic])
                except RosterError:  # it stands in the report
                    continue
            self.roster.settle()

    def said(self) -> bytes:
        """What lies on the broker as its report."""
        return self.ledger.states()[STATE].encode("ascii")

    def report(self) -> Report:
        return Report.from_json(self.said())

    def names(self) -> set[str]:
        return {person.name for person in self.vault.people()}

    def reasons(self) -> list[Reason]:
        return [stored.event.reason for stored in self.ledger.events(limit=10_000)]

    def restore(self, backup: Path, *, ask: bool = True) -> Door:
        """Put a copy of the state back, as an operator does; the door that starts then."""
        self.close()
        shutil.rmtree(self.config.paths.state)
        shutil.copytree(backup, self.config.paths.state)
        with open_vault(self.config) as vault, open_ledger(self.config) as ledger:
            accept_backup(ledger, vault, self.config, ask=ask)
        return Door.of(self.config)

    def verdict(self, name: str, wall: float | None = None) -> Verdict:
        """Whether somebody may pass now, or then; the clock is set."""
        moment = Moment("boot", 1.0, time.time() if wall is None else wall, wall_trusted=True)
        return self.roster.schedule(Schedule({})).verdict(name, moment)

    def close(self) -> None:
        self.vault.close()
        self.ledger.close()


def roster_of(
    config: Config, vault: Vault, ledger: Ledger, model: str = MODEL, size: int = SIZE
) -> Roster:
    """As sight makes it."""
    reserve = Reserve(config.ledger_db.with_suffix(".reserve"))
    journal = Journal(ledger, config.device.id, reserve)
    return Roster(config, vault, ledger, journal, Network(model, size, ALIKE))


@dataclass
class Office:
    """The book, its keys, and the broker that it publishes on."""

    book: Book
    keys: OfficeKeys
    broker: Retained = field(default_factory=dict)
    bytes_sent: int = 0

    @classmethod
    def at(cls, folder: Path) -> Office:
        folder.mkdir(exist_ok=True)
        OfficeKeys.create(folder / "people.key")
        keys = OfficeKeys(folder / "people.key")
        return cls(Book(folder / "office.db", keys.book), keys)

    def trust(self, door: Door, *groups: str) -> None:
        report = door.report()
        self.book.doors.trust(report, groups, fingerprint(report.key))

    def add(
        self,
        name: str,
        *groups: str,
        model: str = MODEL,
        until: float | None = None,
        face: str = "",
    ) -> Person:
        """`face`: whose it is, where somebody has another's."""
        person = Person("", name, groups, model=model, expires=until)
        return self.book.add(person, Content(vectors_of(face or name)))

    def publish(
        self,
        device: str,
        lease_s: float | None = None,
        now: float | None = None,
        answers: str = "",
    ) -> Made:
        made = self.book.make(device, lease_s, now, answers)
        topics = Topics("facelock", device)
        for piece in self.book.shelf.to_post(device):
            page = piece.kind is Posted.PAGE
            place = topics.people_page if page else topics.people_envelope
            self._put(place(piece.hashed), piece.data)
        self.book.posted(device)
        self._put(topics.people_desired, sign(made.desired, [self.keys.signing]))
        return made

    def hear(self, *doors: Door) -> None:
        """Take their reports in, and what no list needs off the broker."""
        for door in doors:
            device = door.config.device.id
            self.book.heard(door.report())
            for piece in self.book.shelf.to_clear(device):
                self.broker.pop(door.topics.people_page(piece.hashed), None)
                self.broker.pop(door.topics.people_envelope(piece.hashed), None)
            self.book.cleared(device)

    def allowed(self, device: str) -> set[str]:
        """Who should be known at a door."""
        groups = set(self.book.doors.find(device).groups)
        return {person.name for person in self.book.people() if groups & set(person.groups)}

    def _put(self, topic: str, payload: bytes) -> None:
        self.broker[topic] = payload
        self.bytes_sent += len(topic) + len(payload)


def publish_otherwise(office: Office, door: Door, wrong: Mapping[str, dict[str, object]]) -> None:
    """As an office does that does not check: the entries of these are written otherwise."""
    made = office.publish("door1")
    entries = [asdict(member) | wrong.get(member.name, {}) for member in made.members]
    page = json.dumps(entries).encode()
    office.broker[door.topics.people_page(digest(page))] = page
    listed = replace(made.desired, pages=(digest(page),))
    office.broker[door.topics.people_desired] = sign(listed, [office.keys.signing])
    with office.book._store.transaction():
        office.book.doors.listed(listed)


def vectors_of(name: str, captures: int = 3, size: int = SIZE) -> Floats:
    """Somebody's template, made up."""
    dice = np.random.default_rng(zlib.crc32(name.encode()))
    vectors = dice.normal(size=(captures, size)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
