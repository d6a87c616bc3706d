"""The doors that the office trusts, and the last list that was made for each."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from edge.errors import RosterError, UsageError
from edge.office.rows import Door
from edge.roster.envelope import fingerprint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.roster.desired import Desired
    from edge.roster.report import Report
    from edge.store import Store


class Doors:
    """The book's part of them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def all(self) -> list[Door]:
        """Every one, by name."""
        rows = self._store.query(
            "SELECT device, key, model, groups, generation, digest FROM doors ORDER BY device"
        )
        return [Door(d, k, m, tuple(json.loads(g)), n, h) for d, k, m, g, n, h in rows]

    def find(self, device: str) -> Door:
        """One of them.

        Raises:
            UsageError: the office does not know it.
        """
        doors = self.all()
        for door in doors:
            if door.device == device:
                return door
        known = ", ".join(door.device for door in doors) or "none"
        raise UsageError(f"The office does not know a door {device!r}. It knows: {known}.")

    def trust(self, report: Report, groups: Sequence[str], fingerprint_said: str) -> None:
        """Take a door in: templates will be sealed for its key.

        Whoever owns the broker could put a key of their own in the door's place, so the
        fingerprint must come another way: read aloud, or off the door's own screen. A door that
        was distrusted goes on with its numbers: set up anew it has obeyed none, and would believe
        every list that was ever signed for it.

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
                "INSERT INTO doors VALUES (?, ?, ?, ?, 0, '', 0) "
                "ON CONFLICT (device) DO UPDATE SET key = excluded.key, model = excluded.model, "
                "groups = excluded.groups, heard = 0",
                (report.device, report.key, report.model, json.dumps(sorted(groups))),
            )
            self._store.query(
                "UPDATE doors SET generation = before.generation, digest = before.digest "
                "FROM distrusted AS before WHERE doors.device = ? AND before.device = ?",
                (report.device, report.device),
            )
            self._store.query("DELETE FROM distrusted WHERE device = ?", (report.device,))

    def distrust(self, device: str) -> None:
        """Nothing is sealed for a door any more: it was stolen, or taken away. May be said again.

        Raises:
            UsageError: the office does not know it, and never did.
        """
        with self._store.transaction():
            before = self._store.query("SELECT 1 FROM distrusted WHERE device = ?", (device,))
            if not before:
                self.find(device)
            self._store.query(
                "INSERT OR IGNORE INTO distrusted "
                "SELECT device, generation, digest FROM doors WHERE device = ?",
                (device,),
            )
            self._store.query("DELETE FROM doors WHERE device = ?", (device,))

    def listed(self, desired: Desired) -> None:
        """A list is made. Inside a transaction of the book."""
        self._store.query(
            "UPDATE doors SET generation = ?, digest = ? WHERE device = ?",
            (desired.generation, desired.digest, desired.device),
        )

    def heard(self, report: Report) -> None:
        """Take in a door's network, and a number ahead of this book's; inside a transaction.

        A book that was restored from a backup has made lists before that it does not remember;
        the door refuses their numbers, so the next one must be above them. A report that is older
        than one heard before says nothing of the network: a broker may send it again.

        Raises:
            UsageError: the office does not know the door.
            RosterError: the door has another key than the one that was trusted.
        """
        door = self.find(report.device)
        if report.key != door.key:
            raise RosterError(
                f"{report.device} has another key than the one that was trusted: it was set up "
                "anew, or somebody is in its place. Compare the fingerprint and trust it again"
            )
        ahead = report.generation > door.generation
        ((heard,),) = self._store.query(
            "SELECT heard FROM doors WHERE device = ?", (report.device,)
        )
        self._store.query(
            "UPDATE doors SET model = ?, heard = ?, generation = ?, digest = ? WHERE device = ?",
            (
                report.model if report.generation >= heard else door.model,
                max(report.generation, heard),
                report.generation if ahead else door.generation,
                report.digest if ahead else door.digest,
                report.device,
            ),
        )


def _plain(text: str) -> str:
    return "".join(text.split()).lower()
