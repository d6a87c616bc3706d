"""A week without a network: 10,000 events by the real machine, journal and ledger, and their cost.

Under the shim, which counts what goes to the disk: `python -m tests.faults.week FOLDER EVENTS
[HOW]` leaves the ledger in FOLDER and prints one JSON object. HOW is "visits" (a week of them),
"alone" (strangers only, so that each event has a sync of its own), or "full" (the same into a
ledger that holds so many already, and forgets one for each).
"""

from __future__ import annotations

import ctypes
import itertools
import json
import sys
from pathlib import Path
from typing import Any

from edge.clock import now
from edge.door.machine import Door, Machine, Rules, Step
from edge.moment import Moment
from edge.records import EventKind, Reason
from edge.sight import journal as journal_module
from edge.sight.doorside import Doorside
from edge.sight.journal import Journal
from edge.sight.sealed_ledger import open_ledger
from edge.vault.vault import open_vault
from edge.wire.messages import Contact, Detail, Happened, Message, State
from tests.faults.scenarios import config_in

BLOCK = 4096
COUNT = 4
HOW = 3
MINUTE_S = 60.0
TICKET = "0" * 32
STRANGERS = 5
"""Every fifth visitor is one."""
DETAIL: Detail = {
    "blinks": 1.0,
    "liveness": "blinked once",
    "similarity": 0.6123,
    "threshold": 0.3411,
}


class Guard:
    """Stands for the guard and its socket: the real machine, under a clock of its own."""

    connected = True

    def __init__(self) -> None:
        self._machine = Machine(Rules(pulse_s=3.0, held_open_s=30.0, open_grace_s=1.0))
        self._now, self._numbered, self._acknowledged = 0.0, 0, 0
        self._door = self._machine.set_contact(Door(), 0.0, Contact.CLOSED).door
        self._said: list[Message] = []

    def poll(self) -> list[Message]:
        """What was said since the last call."""
        said, self._said = self._said, []
        return said

    def unlock(self) -> str:
        """One pulse."""
        self._follow(self._machine.unlock(self._door, self._now, TICKET))
        return TICKET

    def leaf(self, contact: Contact) -> None:
        """The door was opened or closed."""
        self._follow(self._machine.set_contact(self._door, self._now, contact))

    def pass_time(self, seconds: float) -> None:
        """As the guard's loop does."""
        self._now += seconds
        self._follow(self._machine.tick(self._door, self._now))

    def set_mode(self, _mode: object) -> None:
        """Nothing that counts here."""

    def acknowledge(self, number: int) -> None:
        """All up to this number is on the disk."""
        assert number <= self._numbered
        self._acknowledged = number

    @property
    def unwritten(self) -> int:
        """Happenings that were not acknowledged."""
        return self._numbered - self._acknowledged

    def _follow(self, step: Step) -> None:
        before, self._door = self._door, step.door
        for happening in step.happenings:
            self._numbered += 1
            happened = Happened(happening.reason, self._now, happening.detail, self._numbered)
            self._said.append(happened)
        if self._door.lock is not before.lock or self._door.contact is not before.contact:
            door = self._door
            self._said.append(
                State(door.lock, door.unlocked, door.contact, door.tamper, door.fire, door.mode, "")
            )


def visit(door: Doorside, guard: Guard, journal: Journal, number: int) -> None:
    """Somebody comes: a stranger is turned away, who is known passes through the door."""
    if number % STRANGERS == 0:
        assert journal.note(EventKind.ACCESS, Reason.NO_MATCH, detail=DETAIL)
        return
    assert door.open_for(Reason.GRANTED, f"Person {number % 30}", detail=DETAIL) is Reason.GRANTED
    door.attend()
    for wait_s, contact in ((1.0, Contact.OPEN), (2.5, Contact.CLOSED), (1.0, None)):
        guard.pass_time(wait_s)
        if contact is not None:
            guard.leaf(contact)
        door.attend()


def let_time_pass() -> None:
    """Each event comes a minute after the one before: what the clock's floor costs counts too."""
    passed = itertools.count(0.0, MINUTE_S)

    def later() -> Moment:
        real, more = now(), next(passed)
        return Moment(real.boot, real.at + more, real.wall + more, wall_trusted=True)

    vars(journal_module)["now"] = later


def main() -> int:
    """The week; exit code 1 when anything was lost."""
    folder, wanted = Path(sys.argv[1]), int(sys.argv[2])
    how = sys.argv[3] if len(sys.argv) > HOW else "visits"
    let_time_pass()
    config, shim = config_in(folder), ctypes.CDLL(None)
    open_vault(config).close()
    guard: Any = Guard()
    with open_ledger(config) as ledger:
        journal = Journal(ledger, config.device.id)
        door = Doorside(guard, journal, lambda _presented: None)
        if how == "full":
            ledger.capacity = wanted
            for _ in range(wanted):
                visit(door, guard, journal, STRANGERS)
        shim.fault_arm(COUNT, 0, ctypes.c_long(0), str(folder).encode())
        visits, before = 0, ledger.written()
        while (written := ledger.written() - before) < wanted:
            visits += 1
            visit(door, guard, journal, visits if how == "visits" else STRANGERS)
        figures = {
            "events": written,
            "visits": visits,
            "unwritten": guard.unwritten,
            "bytes": round(shim.fault_bytes() / written),
            "block bytes": round(shim.fault_blocks() * BLOCK / written),
            "problems": ledger.verify(thorough=True),
        }
    sys.stdout.write(json.dumps(figures) + "\n")
    return 1 if figures["problems"] or figures["unwritten"] else 0


if __name__ == "__main__":
    sys.exit(main())
