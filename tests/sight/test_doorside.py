"""What the guard says is written by one sync, and acknowledged only then."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.errors import LedgerError
from edge.ledger.ledger import Ledger
from edge.ledger.seal import Seal
from edge.records import Reason
from edge.sight.doorside import Doorside
from edge.sight.journal import Journal
from edge.wire.messages import Contact, Happened, LockState, Message, Mode, Refused, State


class Guard:
    """Says what it is told to say, and keeps what was acknowledged."""

    def __init__(self) -> None:
        self.connected = True
        self.says: list[Message] = []
        self.acknowledged = 0

    def poll(self) -> list[Message]:
        said, self.says = self.says, []
        return said

    def acknowledge(self, number: int) -> None:
        self.acknowledged = number

    def unlock(self) -> str:
        return "1234"

    def set_mode(self, _mode: Mode) -> None:
        pass


class Sides:
    """A doorside between a guard and a ledger that may fail."""

    def __init__(self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ledger, self.full, self.transactions = ledger, False, 0
        self.guard = Guard()
        stands_for_it: Any = self.guard
        self.door = Doorside(stands_for_it, Journal(ledger, "door1"), lambda _presented: None)
        append = ledger.append_all

        def append_all(*given: Any) -> Any:
            if self.full:
                raise LedgerError("the disk is full")
            self.transactions += 1
            return append(*given)

        monkeypatch.setattr(ledger, "append_all", append_all)

    def hear(self, *messages: Message) -> None:
        self.guard.says = list(messages)
        self.door.attend()

    def written(self) -> list[Reason]:
        return [stored.event.reason for stored in self.ledger.events()]


@pytest.fixture
def sides(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sides]:
    seal = Seal(bytes(32), tmp_path / "anchor")
    with Ledger.open(tmp_path / "ledger.db", "door1", seal) as ledger:
        yield Sides(ledger, monkeypatch)


OPEN = State(LockState.OPEN, False, Contact.OPEN, False, False, Mode.NORMAL, "")
OPENED, LOCKED = Happened(Reason.OPENED, 1.0, number=1), Happened(Reason.LOCKED, 1.0, number=2)
CLOSED = Happened(Reason.CLOSED, 2.0, number=3)


def test_what_comes_together_is_one_transaction_with_its_states(sides: Sides) -> None:
    sides.hear(OPENED, LOCKED, OPEN)
    assert sides.written() == [Reason.OPENED, Reason.LOCKED]
    assert sides.transactions == 1
    assert sides.ledger.states()["lock"] == "OPEN"
    assert sides.guard.acknowledged == LOCKED.number


def test_a_state_alone_shows_at_once(sides: Sides) -> None:
    sides.hear(OPEN)
    assert sides.ledger.states()["contact"] == "open"
    assert sides.transactions == 0


def test_a_later_happening_does_not_acknowledge_one_that_was_not_written(sides: Sides) -> None:
    sides.full = True
    sides.hear(OPENED, LOCKED)
    assert sides.guard.acknowledged == 0
    sides.full = False
    sides.hear(CLOSED)
    assert sides.written() == [Reason.OPENED, Reason.LOCKED, Reason.CLOSED]
    assert sides.guard.acknowledged == CLOSED.number


def test_play_with_a_switch_is_gathered_into_few_syncs_and_an_alarm_is_not(
    sides: Sides, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [100.0]
    monkeypatch.setattr("edge.sight.doorside.time.monotonic", lambda: clock[0])
    sides.hear(Happened(Reason.REX, 1.0, {"times": 40.0}, 1))
    assert (sides.transactions, sides.guard.acknowledged) == (1, 1)
    for number in range(2, 12):
        clock[0] += 0.3
        sides.hear(Happened(Reason.REX, float(number), number=number), OPEN)
    assert (sides.transactions, sides.guard.acknowledged) == (1, 1)
    assert sides.ledger.states()["lock"] == "OPEN"
    sides.hear(Happened(Reason.FORCED, 20.0, number=12))
    assert (sides.transactions, sides.guard.acknowledged) == (2, 12)
    assert sides.written() == [Reason.REX] * 11 + [Reason.FORCED]
    sides.hear(Happened(Reason.LOCKED, 21.0, number=13))
    assert sides.transactions == 2
    clock[0] += 5.1
    sides.hear()
    assert (sides.transactions, sides.guard.acknowledged) == (3, 13)


def test_said_again_is_written_once(sides: Sides) -> None:
    sides.full = True
    sides.hear(OPENED)
    sides.full = False
    sides.hear(OPENED, LOCKED)  # as after a lost connection
    assert sides.written() == [Reason.OPENED, Reason.LOCKED]


def test_the_number_of_a_guard_that_died_acknowledges_nothing_of_the_next(sides: Sides) -> None:
    sides.full = True
    sides.hear(OPENED, LOCKED)
    sides.guard.connected = False
    sides.hear()
    sides.full, sides.guard.connected = False, True
    sides.hear(OPEN)
    assert Reason.LOCKED in sides.written()
    assert sides.guard.acknowledged == 0


SHUT = State(LockState.LOCKED, False, Contact.CLOSED, False, False, Mode.NORMAL, "")
UNLOCKED = Happened(Reason.UNLOCKED, 1.0, {"cause": "ticket"}, number=1)


def test_a_lock_that_fell_with_its_guard_is_recorded_once(sides: Sides) -> None:
    sides.hear(UNLOCKED)
    sides.guard.connected = False
    sides.hear()  # the warden drives the line off, and nobody is there to say so
    sides.guard.connected = True
    sides.hear(SHUT)
    sides.hear(SHUT)
    assert sides.written().count(Reason.LOCKED) == 1
    newest = sides.ledger.events(limit=1, newest_first=True)[0].event
    assert newest.detail == {"unseen": True}


def test_a_lock_that_fell_while_sight_was_away_is_recorded(sides: Sides) -> None:
    sides.hear(UNLOCKED)
    stands_for_it: Any = sides.guard
    sides.door = Doorside(stands_for_it, Journal(sides.ledger, "door1"), lambda _presented: None)
    sides.hear(SHUT)
    assert sides.written() == [Reason.UNLOCKED, Reason.LOCKED]


def test_a_lock_that_was_seen_to_fall_is_not_recorded_twice(sides: Sides) -> None:
    sides.hear(UNLOCKED)
    sides.hear(LOCKED, SHUT)
    sides.hear(SHUT)
    assert sides.written() == [Reason.UNLOCKED, Reason.LOCKED]


def test_a_grant_that_the_guard_refuses_is_nobodys_entry(sides: Sides) -> None:
    sides.door.open_for(Reason.GRANTED, "Anna")
    sides.hear(Refused("the interlocked door is not closed and locked", "1234"))
    assert (sides.door.turned_away(), sides.door.turned_away()) == (["Anna"], [])
    sides.hear(Happened(Reason.UNLOCKED, 9.0, {"cause": "always_open"}, number=1))
    sides.hear(Happened(Reason.LOCKED, 9.5, number=2))
    found = [(each.event.reason, each.event.person) for each in sides.ledger.events()]
    assert found == [
        (Reason.GRANTED, "Anna"),
        (Reason.DOOR_UNAVAILABLE, "Anna"),
        (Reason.UNLOCKED, None),
        (Reason.LOCKED, None),
    ]


def test_a_ticket_for_a_door_that_is_open_already_is_no_denial(sides: Sides) -> None:
    sides.door.open_for(Reason.GRANTED, "Anna")
    sides.hear(Happened(Reason.UNLOCKED, 9.0, {"cause": "ticket", "ticket": "1234"}, number=1))
    sides.door.open_for(Reason.GRANTED, "Ben")
    sides.hear(Refused("the door is already unlocked", "1234"))
    sides.hear(Happened(Reason.LOCKED, 9.5, number=2))
    found = [(each.event.reason, each.event.person) for each in sides.ledger.events()]
    assert found[1:] == [
        (Reason.UNLOCKED, "Anna"),
        (Reason.GRANTED, "Ben"),
        (Reason.LOCKED, "Anna"),
    ]
