"""Cards, PINs and signed commands, with a real vault, a real ledger and a real guard."""

from __future__ import annotations

import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from edge.access.command import public_text, sign_command
from edge.access.operators import Operators, Role
from edge.clock import now
from edge.config import Config, parse
from edge.door.launch import guard_command
from edge.door.pins.fake import Board
from edge.errors import CommandError, LedgerError
from edge.records import Event, EventKind, Reason, Template
from edge.sight import desk as desk_module
from edge.sight import orders as orders_module
from edge.sight.claims import Claims
from edge.sight.desk import Desk
from edge.sight.doorside import Doorside
from edge.sight.guard_client import GuardClient
from edge.sight.journal import Journal
from edge.sight.rulebook import Rulebook
from edge.sight.sealed_ledger import open_ledger
from edge.vault.vault import Vault, open_vault
from edge.vocabulary import Action
from edge.wire.messages import Credential, Mode, Presented, UnlockByCode
from tests.support.waiting import until

OWNER = Ed25519PrivateKey.generate()
PULSE_S = 0.2
PIN, DURESS, CARD = "4711", "8052", "26,12345"


class Room:
    """Everything beside the camera, running."""

    def __init__(self, folder: Path, **tables: dict[str, object]) -> None:
        paths = {"state": str(folder / "state"), "run": str(folder / "run")}
        door = {"backend": "fake", "pulse_s": PULSE_S}
        data: dict[str, object] = {"paths": paths, "door": door, **tables}
        self.config: Config = parse(data, "test")
        self.board = Board(folder / "run")
        self.guard = subprocess.Popen(guard_command(self.config), stderr=subprocess.DEVNULL)
        self.vault: Vault = open_vault(self.config)
        vector = np.eye(1, 8, dtype=np.float32)
        self.vault.add(Template("Anna", vector, "ab" * 32))
        self.vault.credentials.set_pin("Anna", PIN)
        self.vault.credentials.set_pin("Anna", DURESS, duress=True)
        self.vault.credentials.add_card("Anna", CARD)
        self.ledger = open_ledger(self.config)
        self.journal = Journal(self.ledger, self.config.device.id)
        self.claims = Claims(self.config.match)
        self.begin()
        self.guard_client = GuardClient(self.config.door_socket)
        until(self._guard_is_there)  # one that is slow to start is not noted as lost
        self.door = Doorside(self.guard_client, self.journal, lambda *_: None)

    def begin(self) -> None:
        """As after a restart of sight: only the ledger remembers."""
        self.rulebook = Rulebook(self.config, self.journal)
        self.desk = Desk(self.config, self.vault, self.journal, self.claims, self.rulebook)

    def present(self, source: str, value: str) -> None:
        self.desk.presented(Presented(Credential(source), value), self.door)

    def _guard_is_there(self) -> bool:
        self.guard_client.poll()
        return self.guard_client.connected

    def until(self, done: Callable[[], bool]) -> None:
        def attended() -> bool:
            self.door.attend()
            return done()

        until(attended)

    def pulses(self) -> int:
        """Whole pulses so far; waits for one that runs."""
        self.until(lambda: not self.board.on(self.config.door.relay_pin))
        return len(self.board.pulses(self.config.door.relay_pin))

    def opened(self, count: int) -> bool:
        self.until(lambda: len(self.board.pulses(self.config.door.relay_pin)) >= count)
        return self.pulses() == count

    def stays_shut(self, after: int = 0) -> bool:
        end = time.monotonic() + 0.3
        self.until(lambda: time.monotonic() > end)
        return self.pulses() == after

    def reasons(self) -> list[Reason]:
        return [stored.event.reason for stored in self.ledger.events(limit=1000)]

    def close(self) -> None:
        self.guard_client.close()
        self.ledger.close()
        self.vault.close()
        self.guard.terminate()
        self.guard.wait(10)


@pytest.fixture
def room(tmp_path: Path) -> Iterator[Callable[..., Room]]:
    rooms = []

    def make(**tables: dict[str, object]) -> Room:
        rooms.append(Room(tmp_path, **tables))
        return rooms[-1]

    yield make
    for made in rooms:
        made.close()


class TestCredentials:
    def test_a_card_is_a_claim_and_opens_nothing(self, room: Callable[..., Room]) -> None:
        r = room()
        r.present("card", CARD)
        assert r.claims.standing(time.monotonic()) == "Anna"
        r.present("pin", PIN)
        assert r.stays_shut()

    def test_an_unknown_card_is_denied(self, room: Callable[..., Room]) -> None:
        r = room()
        r.present("card", "26:12:999")
        assert r.claims.standing(time.monotonic()) is None
        assert r.reasons() == [Reason.UNKNOWN_CREDENTIAL]

    @pytest.mark.parametrize(("source", "value"), [("card", CARD), ("pin", PIN)])
    def test_what_cannot_be_looked_up_is_denied_and_ends_nothing(
        self, room: Callable[..., Room], source: str, value: str
    ) -> None:
        r = room(access={"pin_alone": ["*"]})
        with closing(sqlite3.connect(r.config.people_db)) as db, db:
            db.execute("UPDATE people SET name = 'Mallory'")
        r.present(source, value)
        assert r.claims.standing(time.monotonic()) is None
        assert r.reasons() == [Reason.INTERNAL_ERROR]
        assert r.stays_shut()

    def test_a_pin_alone_opens_only_for_whom_it_may(self, room: Callable[..., Room]) -> None:
        r = room(access={"pin_alone": ["anna"]})
        r.present("pin", PIN)
        assert r.opened(1)
        assert Reason.PIN in r.reasons()

    def test_a_duress_pin_opens_as_usual_and_is_told(self, room: Callable[..., Room]) -> None:
        r = room(access={"pin_alone": ["*"]})
        r.present("pin", DURESS)
        assert r.opened(1)
        assert {Reason.DURESS, Reason.PIN} <= set(r.reasons())

    def test_guessing_locks_the_keypad_over_a_restart(self, room: Callable[..., Room]) -> None:
        r = room(access={"pin_alone": ["*"], "max_failures": 3})
        for guess in ("1470", "2580", "3690"):
            r.present("pin", guess)
        r.begin()
        r.present("pin", PIN)
        assert r.reasons()[-1] is Reason.LOCKED_OUT
        assert r.stays_shut()

    def test_a_card_buys_no_new_guesses(self, room: Callable[..., Room]) -> None:
        r = room(access={"pin_alone": ["*"], "max_failures": 3})
        for guess in ("1470", "2580", "3690"):
            r.present("pin", guess)
            r.present("card", CARD)
        r.present("pin", PIN)
        assert r.reasons()[-1] is Reason.LOCKED_OUT
        assert r.stays_shut()

    def test_nor_does_a_pin_of_ones_own(self, room: Callable[..., Room]) -> None:
        r = room(access={"pin_alone": ["Bo"], "max_failures": 3})
        r.vault.add(Template("Bo", np.eye(1, 8, 1, dtype=np.float32), "ab" * 32))
        r.vault.credentials.set_pin("Bo", "7391")
        for guess in ("1470", "2580", "3690", "1357", "2468", "7391"):
            r.present("pin", guess)
            r.present("pin", PIN)
        assert r.reasons()[-1] is Reason.LOCKED_OUT
        assert r.stays_shut()

    def test_outside_the_schedule_a_pin_does_not_open(self, room: Callable[..., Room]) -> None:
        r = room(access={"pin_alone": ["*"], "schedule": {"Anna": []}})
        r.present("pin", PIN)
        assert r.reasons()[-1] in (Reason.OUTSIDE_SCHEDULE, Reason.CLOCK_UNTRUSTED)
        assert r.stays_shut()

    def test_nothing_opens_that_cannot_be_written(
        self, room: Callable[..., Room], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        r = room(access={"pin_alone": ["*"]})

        def full(*_: object) -> None:
            raise LedgerError("disk full")

        monkeypatch.setattr(r.ledger, "append_all", full)
        r.present("pin", PIN)
        assert not r.journal.ready
        assert r.stays_shut()


REMOTE = {
    "host": "x",
    "remote_unlock": True,
    "command_verbs": ["lock", "lock_down", "normal"],
    "command_keys": [public_text(OWNER)],
}


def command(action: Action, counter: int, *, device: str = "door1", age_s: float = 0) -> str:
    issued = int(time.time() - age_s)
    return sign_command(OWNER, device, action, counter, issued, f"{counter:032x}")


@pytest.fixture
def trusted_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """This machine's clock may be unsynchronised; commands need one that is."""
    moment = now()
    trusted = type(moment)(moment.boot, moment.at, moment.wall, wall_trusted=True)
    monkeypatch.setattr(orders_module, "now", lambda: trusted)
    monkeypatch.setattr(desk_module, "now", lambda: trusted)


@pytest.mark.usefixtures("trusted_clock")
class TestCommands:
    def test_a_signed_command_opens_once(self, room: Callable[..., Room]) -> None:
        r = room(mqtt=REMOTE)
        text = command(Action.UNLOCK, 1)
        assert r.desk.command(text, r.door) == "unlock"
        assert r.opened(1)
        with pytest.raises(CommandError, match="was used already"):
            r.desk.command(text, r.door)
        r.begin()
        with pytest.raises(CommandError, match="was used already"):
            r.desk.command(text, r.door)
        assert r.stays_shut(after=1)
        assert r.reasons().count(Reason.COMMAND_REFUSED) == 2

    @pytest.mark.parametrize(
        ("text", "why"),
        [
            (lambda: command(Action.UNLOCK, 1, device="door2"), "not for this device"),
            (lambda: command(Action.UNLOCK, 1, age_s=600), "expired|too old|no longer"),
            (lambda: command(Action.UNLOCK, 1).replace("unlock", "lock"), "signature"),
            (lambda: '{"action": "unlock"}', "exactly the fields"),
            (lambda: "UNLOCK", "not JSON"),
        ],
    )
    def test_what_is_not_for_us_fresh_and_signed_opens_nothing(
        self, room: Callable[..., Room], text: Callable[[], str], why: str
    ) -> None:
        r = room(mqtt=REMOTE)
        with pytest.raises(CommandError, match=why):
            r.desk.command(text(), r.door)
        assert r.stays_shut()

    def test_unlocking_from_afar_is_off_by_default_and_locking_is_not(
        self, room: Callable[..., Room]
    ) -> None:
        r = room(mqtt={**REMOTE, "remote_unlock": False})
        with pytest.raises(CommandError, match="not permitted"):
            r.desk.command(command(Action.UNLOCK, 1), r.door)
        assert r.desk.command(command(Action.LOCK, 2), r.door) == "lock"
        assert r.stays_shut()

    def test_a_commanded_mode_outlives_a_restart(self, room: Callable[..., Room]) -> None:
        r = room(mqtt=REMOTE)
        r.desk.command(command(Action.LOCK_DOWN, 1), r.door)
        r.begin()
        assert r.desk.mode is Mode.LOCK_DOWN
        r.door.set_mode(r.desk.mode)
        r.until(lambda: r.ledger.states().get("mode") == "lock_down")
        for reason in (Reason.GRANTED, Reason.PIN, Reason.COMMAND):
            assert r.door.open_for(reason, "Anna") is Reason.LOCK_DOWN
        assert r.stays_shut()
        assert r.reasons()[-3:] == [Reason.LOCK_DOWN] * 3

    def test_an_order_to_stand_open_lapses_where_it_is_permitted_no_longer(
        self, room: Callable[..., Room]
    ) -> None:
        r = room(mqtt={**REMOTE, "command_verbs": ["always_open"]})
        r.desk.command(command(Action.ALWAYS_OPEN, 1), r.door)
        r.begin()
        assert r.desk.mode.value == "always_open"
        forbidden = r.config.mqtt.model_copy(update={"command_verbs": ()})
        r.config = r.config.model_copy(update={"mqtt": forbidden})
        r.begin()
        assert r.desk.mode.value == "normal"

    def test_each_verb_is_off_unless_it_is_named(self, room: Callable[..., Room]) -> None:
        r = room(mqtt={**REMOTE, "command_verbs": []})
        for number, action in enumerate(Action, 1):
            if action is not Action.UNLOCK:
                with pytest.raises(CommandError, match="not permitted"):
                    r.desk.command(command(action, number), r.door)

    def test_a_command_that_was_withheld_is_not_fresh_by_a_clock_set_back(
        self, room: Callable[..., Room], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Nothing happened at the door meanwhile, so the record knew of no later time."""
        r = room(mqtt=REMOTE)
        withheld = command(Action.UNLOCK, 1)
        signed_at = replace(now(), wall_trusted=True)
        night = replace(signed_at, at=signed_at.at + 36_000, wall=signed_at.wall + 36_000)
        r.rulebook.schedule_at(night)
        back = replace(night, at=night.at + 60, wall=signed_at.wall)
        monkeypatch.setattr(orders_module, "now", lambda: back)
        with pytest.raises(CommandError, match="behind what it showed before"):
            r.desk.command(withheld, r.door)
        assert r.stays_shut()

    def test_two_operators_where_the_owner_wants_two(self, room: Callable[..., Room]) -> None:
        second = Ed25519PrivateKey.generate()
        r = room(mqtt={**REMOTE, "two_persons": ["unlock"]})
        tell(r, Operators().added("Bea", public_text(second), Role.OPERATOR))
        issued, nonce = int(time.time()), "ab" * 16

        def signed(key: Ed25519PrivateKey, counter: int) -> str:
            return sign_command(
                key, "door1", Action.UNLOCK, counter, issued, nonce, reason="parcel"
            )

        for counter in (1, 2):  # one person twice is not two
            with pytest.raises(CommandError, match="waits 60 s for a second operator"):
                r.desk.command(signed(OWNER, counter), r.door)
        assert r.stays_shut()
        assert r.desk.command(signed(second, 1), r.door) == "unlock"
        assert r.opened(1)
        with pytest.raises(CommandError, match="was used already"):
            r.desk.command(signed(second, 1), r.door)

    def test_who_is_an_operator_no_more_is_no_first_of_two(self, room: Callable[..., Room]) -> None:
        gone = Ed25519PrivateKey.generate()
        r = room(mqtt={**REMOTE, "two_persons": ["unlock"]})
        tell(r, Operators().added("Bea", public_text(gone), Role.OPERATOR))
        for key in (gone, OWNER):
            issued = int(time.time())
            text = sign_command(key, "door1", Action.UNLOCK, 1, issued, "ab" * 16)
            with pytest.raises(CommandError, match="waits 60 s for a second operator"):
                r.desk.command(text, r.door)
            tell(r, Operators())
        assert r.stays_shut()

    def test_a_key_counts_by_its_role_and_only_until_it_is_revoked(
        self, room: Callable[..., Room]
    ) -> None:
        key = Ed25519PrivateKey.generate()
        r = room(mqtt=REMOTE)

        def order(counter: int) -> str:
            issued = int(time.time())
            text = sign_command(key, "door1", Action.LOCK, counter, issued, f"{counter:032x}")
            return r.desk.command(text, r.door)

        for role in (Role.ENROLLER, Role.VIEWER):
            tell(r, Operators().added("Bea", public_text(key), role))
            with pytest.raises(CommandError, match="no operator's here"):
                order(1)
        known = Operators().added("Bea", public_text(key), Role.OPERATOR)
        tell(r, known)
        assert order(2) == "lock"
        tell(r, known.without("bea"))
        with pytest.raises(CommandError, match="no operator's here"):
            order(3)

    def test_a_clock_that_was_set_back_makes_no_old_command_fresh(
        self, room: Callable[..., Room]
    ) -> None:
        r = room(mqtt=REMOTE)
        event = Event(EventKind.SYSTEM, Reason.STARTED, 0.0, 0.0, True, "door1")
        r.ledger.append(event, {"wall": f"{time.time() + 3600:.0f}"})
        r.ledger.append(event, {"wall": f"{time.time():.0f}"})
        with pytest.raises(CommandError, match="behind what it showed before"):
            r.desk.command(command(Action.UNLOCK, 1), r.door)

    def test_a_flood_of_refusals_is_counted_and_pushes_out_nothing(
        self, room: Callable[..., Room], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        r = room(mqtt=REMOTE)
        before = r.ledger.written()
        for _ in range(1000):
            with pytest.raises(CommandError):
                r.desk.command("rubbish", r.door)
        assert r.ledger.written() == before + 1
        assert r.desk.command(command(Action.UNLOCK, 1), r.door) == "unlock"
        monkeypatch.setattr(orders_module, "REFUSALS_EVERY_S", 0.0)
        r.desk.attend()
        refused = [e.event for e in r.ledger.events(limit=1000) if e.event.detail.get("count")]
        assert sum(int(event.detail["count"]) for event in refused) == 1000

    def test_a_flood_of_unknown_cards_is_counted_and_pushes_out_nothing(
        self, room: Callable[..., Room], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        r = room()
        for number in range(500):
            r.present("card", f"26,{number}")
        assert r.reasons().count(Reason.UNKNOWN_CREDENTIAL) < 20
        later = time.monotonic() + 60
        monkeypatch.setattr(time, "monotonic", lambda: later)
        r.desk.attend()
        told = [e.event.detail for e in r.ledger.events(limit=1000)]
        assert sum(float(detail.get("times", 1)) for detail in told) == 500

    def test_an_unsigned_lock_is_recorded_and_cannot_cut_every_pulse_short(
        self, room: Callable[..., Room]
    ) -> None:
        r = room()
        for _ in range(3):
            r.desk.relock(r.door, "user 7")
        with pytest.raises(CommandError, match="too often"):
            r.desk.relock(r.door, "user 7")
        notes = [e.event.detail for e in r.ledger.events(limit=100)]
        assert {"action": "lock", "who": "user 7"} in notes

    def test_locks_without_end_push_no_visit_out_of_the_record(
        self, room: Callable[..., Room], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        r = room()
        start = time.monotonic()
        for number in range(100):
            at = start + 20.0 * number
            monkeypatch.setattr(time, "monotonic", lambda at=at: at)
            r.desk.relock(r.door, "user 7")
        assert r.reasons().count(Reason.COMMAND) < 20
        later = start + 3600.0
        monkeypatch.setattr(time, "monotonic", lambda: later)
        r.desk.attend()
        told = [e.event.detail for e in r.ledger.events(limit=1000)]
        assert sum(float(detail.get("times", 1)) for detail in told) == 100


def tell(room: Room, operators: Operators) -> None:
    event = Event(EventKind.PEOPLE, Reason.KEYS_CHANGED, 0.0, 0.0, False, "door1")
    room.ledger.append(event, {"operators": operators.to_json()})


HOME = {"host": "x", "trust_broker": True}


@pytest.mark.usefixtures("trusted_clock")
class TestPinOverTheBroker:
    def ask(self, room: Room, code: str, late_s: float = 0.0) -> str:
        return room.desk.unlock_by_code(UnlockByCode(code, time.time() - late_s), room.door)

    def test_it_is_off_unless_the_owner_trusts_the_broker(self, room: Callable[..., Room]) -> None:
        r = room()
        with pytest.raises(CommandError, match="trust_broker is off"):
            self.ask(r, PIN)
        assert r.stays_shut()

    def test_a_fresh_pin_opens_and_is_recorded(self, room: Callable[..., Room]) -> None:
        r = room(mqtt=HOME)
        assert self.ask(r, PIN) == "Anna"
        assert r.opened(1)
        assert Reason.COMMAND in r.reasons()

    @pytest.mark.parametrize("late_s", [300.0, -31.0, float("nan"), float("inf")])
    def test_a_stale_one_does_not(self, room: Callable[..., Room], late_s: float) -> None:
        r = room(mqtt=HOME)
        with pytest.raises(CommandError, match="stale"):
            self.ask(r, PIN, late_s)
        assert r.stays_shut()

    def test_guessing_is_limited_and_locks(self, room: Callable[..., Room]) -> None:
        r = room(mqtt=HOME)
        refused = 0
        for number in range(50):
            with pytest.raises(CommandError):
                self.ask(r, f"{number:04d}99")
            refused += 1
        assert refused == 50
        assert r.reasons().count(Reason.UNKNOWN_CREDENTIAL) <= 5
        with pytest.raises(CommandError):
            self.ask(r, PIN)
        assert r.stays_shut()
