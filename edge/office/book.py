"""The office's book: doors, people, groups, and the last list that was made for each door.

Templates, cards and PINs lie in it encrypted under the office's key, bound to their row.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from edge.errors import RosterError, UsageError
from edge.office.rows import SCHEMA, Door, Person
from edge.roster.desired import Desired, Member
from edge.roster.envelope import Address, Content, digest, fingerprint, seal
from edge.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from typing_extensions import Self

    from edge.roster.report import Report

_NONCE_BYTES = 12
_NUMBERS = "<f4"


@dataclass(frozen=True, slots=True)
class Made:
    """What is to be published for one door."""

    desired: Desired
    envelopes: Mapping[str, bytes]
    """By their hash; all that the list names."""
    left_out: Mapping[str, str]
    """By the person's number: why the door cannot have somebody who should be there."""


class Book:
    """The open book. One thread; one process at a time writes."""

    def __init__(self, path: Path, key: bytes) -> None:
        """Open it, or begin one.

        Raises:
            RosterError: it is damaged, or another program's.
        """
        self._store = Store.open(path, SCHEMA)
        self._cipher = AESGCM(key)

    def doors(self) -> list[Door]:
        """Every door that the office trusts, by name."""
        rows = self._store.query(
            "SELECT device, key, model, groups, generation, digest FROM doors ORDER BY device"
        )
        return [Door(d, k, m, tuple(json.loads(g)), n, h) for d, k, m, g, n, h in rows]

    def door(self, device: str) -> Door:
        """One of them.

        Raises:
            UsageError: the office does not know it.
        """
        for door in self.doors():
            if door.device == device:
                return door
        known = ", ".join(door.device for door in self.doors()) or "none"
        raise UsageError(f"The office does not know a door {device!r}. It knows: {known}.")

    def trust(self, report: Report, groups: Sequence[str], fingerprint_said: str) -> None:
        """Take a door in: templates will be sealed for its key.

        Whoever owns the broker could put a key of their own in the door's place, so the
        fingerprint must come another way: read aloud, or off the door's own screen.

        Raises:
            UsageError: the fingerprint is another one.
        """
        if _plain(fingerprint_said) != _plain(fingerprint(report.key)):
            raise UsageError(
                f"The key that was published for {report.device} has another fingerprint than the "
                "one given. Read it at the door with `edge-door people key`; if they still "
                "differ, somebody has changed it on the way."
            )
        with self._store.transaction():
            self._store.query(
                "INSERT INTO doors VALUES (?, ?, ?, ?, 0, '') ON CONFLICT (device) DO UPDATE SET "
                "key = excluded.key, model = excluded.model, groups = excluded.groups",
                (report.device, report.key, report.model, json.dumps(sorted(groups))),
            )

    def heard(self, report: Report) -> None:
        """Take in what a trusted door says: its network, and a number ahead of this book's.

        A book that was restored from a backup has made lists before that it does not remember;
        the door refuses their numbers, so the next one must be above them.

        Raises:
            UsageError: the office does not know the door.
            RosterError: the door has another key than the one that was trusted.
        """
        door = self.door(report.device)
        if report.key != door.key:
            raise RosterError(
                f"{report.device} has another key than the one that was trusted: it was set up "
                "anew, or somebody is in its place. Compare the fingerprint "
                "and trust it again"
            )
        ahead = report.generation > door.generation
        with self._store.transaction():
            self._store.query(
                "UPDATE doors SET model = ?, generation = ?, digest = ? WHERE device = ?",
                (
                    report.model,
                    report.generation if ahead else door.generation,
                    report.digest if ahead else door.digest,
                    report.device,
                ),
            )

    def people(self) -> list[Person]:
        """Everybody, by name."""
        rows = self._store.query(
            "SELECT person, name, groups, schedule, expires, model FROM people ORDER BY name"
        )
        return [
            Person(p, n, tuple(json.loads(g)), tuple(json.loads(s)), e, m)
            for p, n, g, s, e, m in rows
        ]

    def person(self, name: str) -> Person:
        """The one of that name or number.

        Raises:
            UsageError: nobody, or several.
        """
        found = [one for one in self.people() if name in (one.name, one.person)]
        if len(found) != 1:
            many = f": {', '.join(one.person for one in found)}. Use a number" if found else ""
            raise UsageError(f"{len(found)} people are called {name!r}{many}.")
        return found[0]

    def add(self, person: Person, content: Content) -> Person:
        """Enrol somebody; returns them with their number."""
        numbered = replace(person, person=person.person or uuid.uuid4().hex)
        with self._changing():
            self._store.query(
                "INSERT INTO people VALUES (?, ?, ?, ?, ?, ?, ?, 1)",
                (*self._row(numbered), self._lock(numbered, content)),
            )
        return numbered

    def change(self, person: Person, content: Content | None = None) -> None:
        """Write other groups, schedule, name or end, and a new template if there is one."""
        with self._changing():
            number, name, groups, schedule, expires, model = self._row(person)
            self._store.query(
                "UPDATE people SET name = ?, groups = ?, schedule = ?, expires = ? "
                "WHERE person = ?",
                (name, groups, schedule, expires, number),
            )
            if content is not None:
                self._store.query(
                    "UPDATE people SET model = ?, content = ?, version = version + 1 "
                    "WHERE person = ?",
                    (model, self._lock(person, content), number),
                )

    def remove(self, person: str) -> None:
        """Forget somebody here; the doors hear of it with their next list."""
        with self._changing():
            self._store.query("DELETE FROM people WHERE person = ?", (person,))

    def make(self, device: str, lease_s: float | None, now: float | None = None) -> Made:
        """The list that a door should have, numbered after its last one; and its envelopes.

        An envelope that the door has is sealed again only when its template has changed.
        """
        now = time.time() if now is None else now
        with self._store.transaction():
            door = self.door(device)
            members, envelopes, left_out = [], {}, {}
            for person in self.people():
                if not set(person.groups) & set(door.groups):
                    continue
                if person.expires is not None and person.expires <= now:
                    continue
                if person.model != door.model:
                    left_out[person.person] = (
                        f"{person.name} was enrolled with another network than {device} uses: "
                        "enrol them again with that one"
                    )
                    continue
                sealed, envelope = self._envelope(door, person)
                envelopes[digest(envelope)] = envelope
                members.append(
                    Member(
                        person.person,
                        person.name,
                        digest(envelope),
                        sealed,
                        person.schedule,
                        person.expires,
                    )
                )
            lease = None if lease_s is None else now + lease_s
            desired = Desired(device, door.generation + 1, door.digest, now, lease, tuple(members))
            self._store.query(
                "UPDATE doors SET generation = ?, digest = ? WHERE device = ?",
                (desired.generation, desired.digest, device),
            )
            self._forget_envelopes(device, list(envelopes))
        return Made(desired, envelopes, left_out)

    def envelopes_gone(self, device: str) -> list[str]:
        """Hashes of envelopes that were published for a door and are no longer needed."""
        rows = self._store.query("SELECT hash FROM gone WHERE device = ?", (device,))
        return [hashed for (hashed,) in rows]

    def cleared(self, device: str) -> None:
        """They have been taken off the broker."""
        with self._store.transaction():
            self._store.query("DELETE FROM gone WHERE device = ?", (device,))

    def close(self) -> None:
        """Close the file. May be called twice."""
        self._store.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def _changing(self) -> Iterator[None]:
        with self._store.transaction():
            yield
        self._store.empty_log()

    @staticmethod
    def _row(person: Person) -> tuple[str, str, str, str, float | None, str]:
        groups, schedule = json.dumps(sorted(person.groups)), json.dumps(list(person.schedule))
        return person.person, person.name, groups, schedule, person.expires, person.model

    def _lock(self, person: Person, content: Content) -> bytes:
        nonce = os.urandom(_NONCE_BYTES)
        bound = f"{person.person} {person.model}".encode()
        return nonce + self._cipher.encrypt(nonce, content.to_json(_NUMBERS), bound)

    def content(self, person: Person) -> Content:
        """Template, cards and PIN of somebody.

        Raises:
            RosterError: the row was changed, or the book is another office's.
        """
        ((secret,),) = self._store.query(
            "SELECT content FROM people WHERE person = ?", (person.person,)
        )
        bound = f"{person.person} {person.model}".encode()
        try:
            plain = self._cipher.decrypt(secret[:_NONCE_BYTES], secret[_NONCE_BYTES:], bound)
        except InvalidTag as error:
            raise RosterError(
                f"what the book holds of {person.name} does not open with this key: it was "
                "changed, or the key file is another office's"
            ) from error
        return Content.from_json(plain, _NUMBERS, "the book")

    def _envelope(self, door: Door, person: Person) -> tuple[int, bytes]:
        ((version,),) = self._store.query(
            "SELECT version FROM people WHERE person = ?", (person.person,)
        )
        rows = self._store.query(
            "SELECT sealed, envelope FROM envelopes WHERE device = ? AND person = ? AND "
            "version = ? AND key = ?",
            (door.device, person.person, version, door.key),
        )
        if rows:
            return int(rows[0][0]), bytes(rows[0][1])
        sealed = door.generation + 1
        address = Address(door.device, person.person, person.model, sealed)
        envelope = seal(self.content(person), door.key, address)
        self._drop("device = ? AND person = ?", (door.device, person.person))
        self._store.query(
            "INSERT INTO envelopes VALUES (?, ?, ?, ?, ?, ?, ?)",
            (door.device, person.person, version, door.key, sealed, digest(envelope), envelope),
        )
        return sealed, envelope

    def _forget_envelopes(self, device: str, needed: Sequence[str]) -> None:
        rows = self._store.query("SELECT hash FROM envelopes WHERE device = ?", (device,))
        for (hashed,) in rows:
            if hashed not in needed:
                self._drop("device = ? AND hash = ?", (device, hashed))

    def _drop(self, where: str, values: tuple[str, ...]) -> None:
        for change in ("INSERT INTO gone SELECT device, hash FROM", "DELETE FROM"):
            self._store.query(f"{change} envelopes WHERE {where}", values)


def _plain(text: str) -> str:
    return "".join(text.split()).lower()
