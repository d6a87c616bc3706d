"""Link without a network: topics, commands, the way through the outbox, sight's socket."""

from __future__ import annotations

import json
import logging
import math
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from edge.access.bucket import TokenBucket
from edge.access.command import public_text, sign_command
from edge.backoff import Backoff
from edge.config import parse
from edge.errors import BrokerError, CommandError, WireError
from edge.ledger.ledger import Ledger
from edge.link import shipper as shipping
from edge.link.arrivals import Acknowledged
from edge.link.broker import Broker
from edge.link.commands import MAX_BYTES, Commands, Confirmation
from edge.link.outage import Outage
from edge.link.outbox import Outbox
from edge.link.payloads import CommandAnswer, EventPayload, Reported, UpdateReported, from_json
from edge.link.process import run
from edge.link.reference import HEARD, TOLD, page, schemas
from edge.link.reporting import certificate_ends, temperature_c
from edge.link.shipper import WINDOW, Shipper
from edge.link.sight_client import SightClient
from edge.link.topics import EVENT_TYPES, DoorState, Message, Topics, event_type
from edge.link.twin import Twin
from edge.records import Event, EventKind, Head, Reason, StoredEvent
from edge.roster.envelope import DoorKey
from edge.roster.report import Report
from edge.vocabulary import Action
from edge.wire.messages import Claim, Command, Relock, UnlockByCode
from tests.support.link_parts import Authority, FakeSight, gathered
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

TOPICS = Topics("facelock", "door1")
DETAILS = st.dictionaries(
    st.text(max_size=5),
    st.text(max_size=9) | st.booleans() | st.floats(allow_nan=False, allow_infinity=False),
    max_size=3,
)
REPORTED = Reported(
    version="1",
    model="",
    people=None,
    clock_trusted=True,
    temperature_c=None,
    fps=None,
    certificate_ends=None,
    protocol="5",
    outbox_depth=0,
    outbox_capacity=100,
    outbox_lost=0,
    first=1,
    last=0,
    confirmed=0,
    twin=False,
)


def an_event(reason: Reason = Reason.GRANTED, **changes: Any) -> Event:
    fields: dict[str, Any] = {
        "kind": EventKind.ACCESS,
        "reason": reason,
        "at": 1.0,
        "wall": 1_700_000_000.25,
        "wall_trusted": True,
        "device": "door1",
        "person": "Ada",
    }
    return Event(**fields | changes)


def stored(event: Event, sequence: int = 7) -> StoredEvent:
    head = Head(sequence, "c" * 64, "00" * 8, "c2ln")
    return StoredEvent(sequence, "b007", event, "c" * 64, "{}", head)


class TestTopics:
    def test_an_event_says_all_and_is_never_retained(self) -> None:
        message = TOPICS.event(stored(an_event(detail={"similarity": 0.71})), replayed=False)
        assert (message.topic, message.qos, message.retain) == ("facelock/door1/event", 1, False)
        assert json.loads(message.payload) == {
            "event_type": "granted",
            "kind": "access",
            "reason": "granted",
            "person": "Ada",
            "seq": 7,
            "boot": "b007",
            "ts": "2023-11-14T22:13:20.250+00:00",
            "ts_trusted": True,
            "device": "door1",
            "detail": {"similarity": 0.71},
            "replayed": False,
            "chain": "c" * 64,
            "body": "{}",
            "head": {"seq": 7, "chain": "c" * 64, "key": "00" * 8, "sig": "c2ln"},
        }

    def test_a_late_event_has_its_own_feed(self) -> None:
        message = TOPICS.event(stored(an_event()), replayed=True)
        assert message.topic == "facelock/door1/event/replay"
        assert json.loads(message.payload)["replayed"] is True
        assert not message.retain

    @pytest.mark.parametrize("kind", EventKind)
    @pytest.mark.parametrize("reason", Reason)
    def test_every_event_has_a_type_that_was_announced(
        self, kind: EventKind, reason: Reason
    ) -> None:
        assert event_type(an_event(reason, kind=kind)) in EVENT_TYPES

    def test_types_of_access(self) -> None:
        def kind_of(reason: Reason) -> str:
            return event_type(an_event(reason))

        assert kind_of(Reason.PIN) == "granted"
        assert kind_of(Reason.NO_MATCH) == "denied"
        assert kind_of(Reason.NOT_LIVE) == "spoof"
        assert kind_of(Reason.DURESS) == "duress"
        assert kind_of(Reason.COMMAND_REFUSED) == "denied"

    @given(text=st.text(), key=st.text(), wall=st.floats(allow_nan=False, allow_infinity=False))
    def test_no_text_breaks_out_of_its_payload(self, text: str, key: str, wall: float) -> None:
        event = an_event(person=text, detail={key: text}, wall=wall)
        payload = TOPICS.event(stored(event), replayed=False).payload
        assert all(0x20 <= byte < 0x7F for byte in payload)
        body = json.loads(payload)
        assert body["person"] == text
        assert body["detail"] == {key: text}

    def test_a_figure_that_is_none_is_null(self) -> None:
        payload = TOPICS.metrics({"x": math.nan, "y": math.inf, "z": 1.5}).payload
        assert json.loads(payload) == {"x": None, "y": None, "z": 1.5}

    @pytest.mark.parametrize(
        ("lock", "word", "forced", "held"),
        [
            ("LOCKED", b"LOCKED", b"OFF", b"OFF"),
            ("UNLOCKING", b"UNLOCKING", b"OFF", b"OFF"),
            ("UNLOCKED", b"UNLOCKED", b"OFF", b"OFF"),
            ("OPEN", b"OPEN", b"OFF", b"OFF"),
            ("HELD", b"OPEN", b"OFF", b"ON"),
            ("FORCED", b"OPEN", b"ON", b"OFF"),
            ("FAULT", b"JAMMED", b"OFF", b"OFF"),
            (None, b"None", b"None", b"None"),
        ],
    )
    def test_states_in_home_assistant_words(
        self, lock: str | None, word: bytes, forced: bytes, held: bytes
    ) -> None:
        states = {} if lock is None else {"lock": lock}
        messages = TOPICS.states(DoorState.of(states, available=True))
        words = {message.topic: message.payload for message in messages}
        assert words["facelock/door1/lock/state"] == word
        assert words["facelock/door1/door/forced"] == forced
        assert words["facelock/door1/door/held"] == held
        assert all(message.retain and message.qos == 1 for message in messages)

    def test_what_was_last_known_is_not_told_when_the_guard_is_away(self) -> None:
        ledger = {"lock": "LOCKED", "contact": "closed", "tamper": "off", "camera": "ok"}
        present = DoorState.of(ledger, available=True)
        away = DoorState.of(ledger, available=False)
        told = {m.topic.removeprefix("facelock/door1/"): m.payload for m in TOPICS.states(present)}
        assert told == {
            "lock/state": b"LOCKED",
            "door/contact": b"OFF",
            "door/forced": b"OFF",
            "door/held": b"OFF",
            "tamper": b"OFF",
            "camera/problem": b"OFF",
            "instruction": b"",
            "lock/availability": b"online",
        }
        told = {m.topic.removeprefix("facelock/door1/"): m.payload for m in TOPICS.states(away)}
        assert told["lock/availability"] == b"offline"
        assert told["camera/problem"] == b"OFF"
        unknown = {topic for topic, word in told.items() if word == b"None"}
        assert unknown == {"lock/state", "door/contact", "door/forced", "door/held", "tamper"}

    def test_metrics_are_not_kept(self) -> None:
        message = TOPICS.metrics({"decision_ms": 12.5, "nonsense": math.nan})
        assert message == Message(
            "facelock/door1/metrics", b'{"decision_ms":12.5,"nonsense":null}', qos=0
        )


OPERATOR = Ed25519PrivateKey.generate()


def order(counter: int, key: Ed25519PrivateKey = OPERATOR) -> str:
    issued = int(time.time())
    return sign_command(key, "door1", Action.UNLOCK, counter, issued, f"{counter:032x}")


class TestCommands:
    heard = Commands(TOPICS, lambda: ())
    signed = Commands(TOPICS, lambda: [public_text(OPERATOR)])

    def test_lock_goes_on_to_sight(self) -> None:
        assert self.heard.read(TOPICS.lock_set, b"LOCK", retained=False) == Relock()

    @pytest.mark.parametrize("word", [b"UNLOCK", b"OPEN"])
    def test_a_plain_unlock_is_refused_even_where_signed_ones_are_allowed(
        self, word: bytes
    ) -> None:
        with pytest.raises(CommandError, match="Only a signed command"):
            self.signed.read(TOPICS.lock_set, word, retained=False)

    @pytest.mark.parametrize("topic", TOPICS.heard)
    def test_a_retained_message_is_refused(self, topic: str) -> None:
        with pytest.raises(CommandError, match="retained"):
            self.signed.read(topic, b"LOCK", retained=True)

    def test_a_claim_names_a_person(self) -> None:
        packet = self.heard.read(TOPICS.claim_set, "Zoë ".encode(), retained=False)
        assert packet == Claim("Zoë")

    def test_a_claim_is_not_followed_where_it_is_a_second_factor(self) -> None:
        heard = Commands(TOPICS, lambda: (), claims=False)
        with pytest.raises(CommandError, match="at the door"):
            heard.read(TOPICS.claim_set, b"Ada", retained=False)

    @pytest.mark.parametrize(
        ("payload", "sentence"),
        [
            (b"", "1 to 64"),
            (b"a" * 65, "1 to 64"),
            (b"a" * (MAX_BYTES + 1), "over the 4096"),
            (b"Ada\n", "control characters"),
            (b"Ada\x1b[2J", "control characters"),
            ("a\u202eb".encode(), "control characters"),
            (b"\xff\xfe", "UTF-8"),
        ],
    )
    def test_an_improper_claim_is_refused(self, payload: bytes, sentence: str) -> None:
        with pytest.raises(CommandError, match=sentence):
            self.heard.read(TOPICS.claim_set, payload, retained=False)

    def test_a_signed_command_goes_on_as_the_text_that_was_signed(self) -> None:
        text = order(1)
        packet = self.signed.read(TOPICS.command, text.encode(), retained=False)
        assert packet == Command(text)

    def test_junk_uses_up_nothing_of_what_an_operator_may_send(self) -> None:
        signed = Commands(TOPICS, lambda: [public_text(OPERATOR)])
        others = Ed25519PrivateKey.generate()
        junk = [b"{}", b"junk", order(1, others).encode(), order(1).replace("0", "1").encode()]
        for number in range(2000):
            with pytest.raises(CommandError):
                signed.read(TOPICS.command, junk[number % len(junk)], retained=False)
        for number in range(5):
            text = order(number + 1)
            assert signed.read(TOPICS.command, text.encode(), retained=False) == Command(text)

    def test_one_operator_may_send_only_so_many(self) -> None:
        signed = Commands(TOPICS, lambda: [public_text(OPERATOR)])
        text, dropped = order(1).encode(), 0
        began = time.monotonic()
        for _ in range(200):
            try:
                signed.read(TOPICS.command, text, retained=False)
            except CommandError as error:
                dropped += "too many of one key" in str(error)
        assert dropped >= 200 - 11 - 2 * (time.monotonic() - began)

    def test_a_pin_over_the_broker_is_heard_only_where_the_broker_is_trusted(self) -> None:
        text = b'{"action": "UNLOCK", "code": "4711", "at": 17.5}'
        with pytest.raises(CommandError):
            self.signed.read(TOPICS.lock_set, text, retained=False)
        home = Commands(TOPICS, lambda: (), trust_broker=True)
        assert home.read(TOPICS.lock_set, text, retained=False) == UnlockByCode("4711", 17.5)
        with pytest.raises(CommandError, match="retained"):
            home.read(TOPICS.lock_set, text, retained=True)
        endless = (b"1e400", b"NaN", b"-Infinity", b"9" * 400)  # one of them ended link
        for bad in (
            b"UNLOCK",
            b'{"action":"UNLOCK","code":4711,"at":1}',
            b'{"action":"OPEN"}',
            *(b'{"action":"UNLOCK","code":"4711","at":%s}' % at for at in endless),
        ):
            with pytest.raises(CommandError):
                home.read(TOPICS.lock_set, bad, retained=False)

    def test_signed_commands_are_off_by_default(self) -> None:
        with pytest.raises(CommandError, match="signed commands are off"):
            self.heard.read(TOPICS.command, b'{"action":"unlock"}', retained=False)

    @pytest.mark.parametrize("payload", [b"UNLOCK", b"[]", b'"x"', b"[" * 4000])
    def test_what_is_not_an_object_is_no_command(self, payload: bytes) -> None:
        with pytest.raises(CommandError, match=r"not JSON|not a JSON object"):
            self.signed.read(TOPICS.command, payload, retained=False)

    def test_a_confirmation(self) -> None:
        chain = "a" * 64

        def read(**more: object) -> object:
            text = json.dumps({"sequence": 9, "chain": chain, **more})
            return self.heard.read(TOPICS.confirm, text.encode(), retained=False)

        assert read() == Confirmation(9, chain)
        assert read(resend=True) == Confirmation(9, chain, resend_from=10)
        assert read(resend_from=4) == Confirmation(9, chain, resend_from=4)
        assert read(tell=True) == Confirmation(9, chain, tell=True)

    def test_a_newer_confirmation_keeps_the_wish_of_an_older_one(self) -> None:
        older = Confirmation(3, "a" * 64, resend_from=4)
        newer = Confirmation(5, "b" * 64)
        assert newer.after(older) == Confirmation(5, "b" * 64, resend_from=4)
        assert newer.after(None) == newer
        again = Confirmation(5, "b" * 64, resend_from=2)
        assert again.after(older) == again
        told = Confirmation(3, "a" * 64, tell=True)
        assert newer.after(told) == Confirmation(5, "b" * 64, tell=True)

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"sequence": -1, "chain": "a" * 64},
            {"sequence": True, "chain": "a" * 64},
            {"sequence": 2**63, "chain": "a" * 64},
            {"sequence": 1.0, "chain": "a" * 64},
            {"sequence": 1, "chain": "a"},
            {"sequence": 1, "chain": "a" * 64, "resend": 1},
        ],
    )
    def test_an_improper_confirmation_is_refused(self, body: dict[str, object]) -> None:
        with pytest.raises(CommandError, match="a confirmation is"):
            self.heard.read(TOPICS.confirm, json.dumps(body).encode(), retained=False)

    @given(topic=st.sampled_from(TOPICS.heard), payload=st.binary(max_size=200))
    def test_no_payload_makes_an_unlock(self, topic: str, payload: bytes) -> None:
        try:
            packet = self.heard.read(topic, payload, retained=False)
        except CommandError:
            return
        assert isinstance(packet, Confirmation | Relock | Claim)

    def test_a_flood_is_thinned(self) -> None:
        bucket = TokenBucket(per_second=2, burst=5)
        passed = sum(bucket.take(100 + i / 1000) for i in range(10_000))
        assert passed == 5 + 2 * 10 - 1


class Wire:
    """Stands for a connection: keeps what was published."""

    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.limit: int | None = None
        self.most = 1000
        """Published before anything is answered."""

    @property
    def room(self) -> int:
        return max(0, self.most - len(self.sent))

    def takes(self, message: Message) -> bool:
        return self.limit is None or len(message.payload) <= self.limit

    def publish(self, message: Message) -> int:
        self.sent.append(message)
        return len(self.sent)

    def sequences(self) -> list[int]:
        return [json.loads(message.payload)["seq"] for message in self.sent]


def took(ticket: int) -> Acknowledged:
    return Acknowledged(ticket, "facelock/door1/event", "")


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger.open(tmp_path / "ledger.db", "door1") as opened:
        yield opened


class TestShipper:
    @pytest.fixture(autouse=True)
    def begin(self, tmp_path: Path) -> Iterator[None]:
        with Outbox.open(tmp_path / "outbox.db") as self.outbox:
            yield

    def begun(self, ledger: Ledger) -> tuple[Shipper, Any]:
        shipper = Shipper(ledger, self.outbox, TOPICS)
        shipper.begin()
        return shipper, Wire()

    def test_in_order_and_no_more_than_the_window(self, ledger: Ledger) -> None:
        for _ in range(WINDOW + 5):
            ledger.append(an_event())
        shipper, wire = self.begun(ledger)
        shipper.pump(wire)
        shipper.pump(wire)
        assert wire.sequences() == list(range(1, WINDOW + 1))
        shipper.acknowledged(took(1))
        shipper.acknowledged(took(2))
        shipper.pump(wire)
        assert wire.sequences() == list(range(1, WINDOW + 3))

    def test_the_watermark_waits_for_everything_before_it(self, ledger: Ledger) -> None:
        for _ in range(3):
            ledger.append(an_event())
        shipper, wire = self.begun(ledger)
        shipper.pump(wire)
        for ticket, delivered in ((3, 0), (1, 1), (2, 3)):
            shipper.acknowledged(took(ticket))
            shipper.pump(wire)
            assert self.outbox.watermarks().delivered == delivered

    def test_what_waited_is_late_and_what_happens_now_is_not(self, ledger: Ledger) -> None:
        ledger.append(an_event())
        shipper, wire = self.begun(ledger)
        shipper.pump(wire)
        ledger.append(an_event())
        shipper.wake()
        shipper.pump(wire)
        assert [json.loads(message.payload)["replayed"] for message in wire.sent] == [True, False]

    def test_unacknowledged_events_go_again_over_the_next_connection(self, ledger: Ledger) -> None:
        for _ in range(3):
            ledger.append(an_event())
        shipper, wire = self.begun(ledger)
        shipper.pump(wire)
        shipper.acknowledged(took(1))
        shipper.pump(wire)
        shipper.begin()
        again: Any = Wire()
        shipper.pump(again)
        assert again.sequences() == [2, 3]
        assert {message.topic for message in again.sent} == {"facelock/door1/event/replay"}

    def test_a_refused_event_is_not_delivered_and_goes_again(
        self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shipping, "REFUSED_RETRY_S", 0.05)
        for _ in range(3):
            ledger.append(an_event())
        shipper, wire = self.begun(ledger)
        shipper.pump(wire)
        shipper.acknowledged(took(1))
        shipper.acknowledged(Acknowledged(2, "facelock/door1/event", "Not authorized"))
        shipper.acknowledged(took(3))
        shipper.pump(wire)
        assert self.outbox.watermarks().delivered == 1
        assert wire.sequences() == [1, 2, 3]
        time.sleep(0.06)
        shipper.pump(wire)
        assert wire.sequences() == [1, 2, 3, 2, 3]

    def test_a_broker_that_stops_acknowledging_is_left(
        self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shipping, "ACKNOWLEDGE_TIMEOUT_S", 0.02)
        ledger.append(an_event())
        shipper, wire = self.begun(ledger)
        shipper.pump(wire)
        time.sleep(0.03)
        with pytest.raises(BrokerError, match="stopped acknowledging"):
            shipper.pump(wire)

    def test_a_reader_confirms_and_asks_again(self, ledger: Ledger) -> None:
        events = [ledger.append(an_event()) for _ in range(4)]
        shipper, wire = self.begun(ledger)
        shipper.pump(wire)
        for ticket in range(1, 5):
            shipper.acknowledged(took(ticket))
        shipper.pump(wire)
        shipper.confirm(Confirmation(2, events[1].chain))
        assert self.outbox.watermarks().confirmed == 2
        shipper.pump(wire)
        assert wire.sequences() == [1, 2, 3, 4]
        shipper.confirm(Confirmation(2, events[1].chain, resend_from=3))
        shipper.pump(wire)
        assert wire.sequences() == [1, 2, 3, 4, 3, 4]

    def test_a_flood_of_confirmations_does_not_send_the_whole_ledger_each_time(
        self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(shipping, "FAR_BACK", 5)
        for _ in range(8):
            ledger.append(an_event())
        shipper, wire = self.begun(ledger)
        shipper.pump(wire)
        for _ in range(50):
            shipper.confirm(Confirmation(0, "", resend_from=1))
            shipper.pump(wire)
        assert wire.sequences() == [*range(1, 9)] * 4  # as ever, and three times more
        shipper.confirm(Confirmation(0, "", resend_from=6))
        assert len(wire.sequences()) == 32
        confirmed = Confirmation(1, ledger.events(limit=1)[0].chain, resend_from=2)
        for _ in range(5):  # behind what it confirmed, a reader that was cut off need not wait
            shipper.confirm(confirmed)
            shipper.pump(wire)
        assert wire.sequences()[32:] == [*range(2, 9)] * 5

    def test_no_confirmation_sends_more_than_the_broker_answers(self, ledger: Ledger) -> None:
        for _ in range(WINDOW):
            ledger.append(an_event())
        shipper, wire = self.begun(ledger)
        wire.most = 2 * WINDOW + 3
        for _ in range(50):
            shipper.confirm(Confirmation(0, "", resend_from=1))
            shipper.pump(wire)
        assert len(wire.sent) == wire.most

    def test_a_restored_reader_gets_what_it_had_confirmed(self, ledger: Ledger) -> None:
        """The reader confirmed 6 and was put back to 2; nothing falls for it."""
        events = [ledger.append(an_event()) for _ in range(6)]
        shipper, wire = self.begun(ledger)
        shipper.pump(wire)
        for ticket in range(1, 7):
            shipper.acknowledged(took(ticket))
        shipper.pump(wire)
        shipper.confirm(Confirmation(6, events[5].chain))
        before = self.outbox.watermarks()
        shipper.confirm(Confirmation(2, events[1].chain, resend_from=3))
        again: Any = Wire()
        shipper.pump(again)
        assert again.sequences() == [3, 4, 5, 6]
        assert {message.topic for message in again.sent} == {"facelock/door1/event/replay"}
        for ticket in range(1, 5):
            shipper.acknowledged(took(ticket))
            shipper.pump(again)
            assert self.outbox.watermarks() == before

    @pytest.mark.parametrize("position", [1, 2, 4])
    def test_an_event_too_long_for_the_broker_is_left_out_and_the_others_go(
        self, ledger: Ledger, caplog: pytest.LogCaptureFixture, position: int
    ) -> None:
        for number in range(1, 5):
            detail = {"why": "x" * 3000} if number == position else {}
            ledger.append(an_event(detail=detail))
        shipper, wire = self.begun(ledger)
        wire.limit = 2000
        shipper.pump(wire)
        assert wire.sequences() == [n for n in range(1, 5) if n != position]
        for ticket in range(1, 4):
            shipper.acknowledged(took(ticket))
        shipper.pump(wire)
        assert self.outbox.watermarks().delivered == 4
        assert caplog.text.count(f"event {position} is left out") == 1

    def test_a_reader_of_another_history_moves_nothing(self, ledger: Ledger) -> None:
        ledger.append(an_event())
        shipper, _ = self.begun(ledger)
        with pytest.raises(CommandError, match="was altered or begun anew"):
            shipper.confirm(Confirmation(1, "0" * 64, 3))
        with pytest.raises(CommandError, match="older copy"):
            shipper.confirm(Confirmation(2, "0" * 64, 3))
        assert self.outbox.watermarks().confirmed == 0

    def test_after_a_ledger_begun_anew_everything_goes(self, ledger: Ledger) -> None:
        self.outbox.mark_confirmed(40)
        ledger.append(an_event())
        shipper, wire = self.begun(ledger)
        shipper.pump(wire)
        assert wire.sequences() == [1]


@pytest.fixture
def sight(tmp_path: Path) -> Iterator[FakeSight]:
    fake = FakeSight(tmp_path / "sight.sock")
    yield fake
    fake.close()


class TestSightClient:
    def test_the_door_is_available_while_sight_says_so(
        self, tmp_path: Path, sight: FakeSight, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("edge.link.sight_client.STATUS_EVERY_S", 0.02)
        with SightClient(tmp_path / "sight.sock") as client:
            assert not client.door_available
            until(lambda: client.poll() or client.door_available)
            assert client.status == sight.status
            sight.status = replace(sight.status, door=False)
            until(lambda: client.poll() or not client.door_available)

    def test_a_frozen_sight_is_no_door(
        self, tmp_path: Path, sight: FakeSight, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("edge.link.sight_client.STATUS_EVERY_S", 0.02)
        monkeypatch.setattr("edge.link.sight_client.SIGHT_TIMEOUT_S", 0.1)
        with SightClient(tmp_path / "sight.sock") as client:
            until(lambda: client.poll() or client.door_available)
            sight.silent = True
            until(lambda: client.poll() or not client.door_available)
            client.ask(Claim("Ada"))
            failures: list[Any] = []
            until(gathered(client.poll, failures))
            assert failures[0].failure == "sight does not answer"

    def test_a_sight_that_is_gone_is_a_sentence(self, tmp_path: Path) -> None:
        with SightClient(tmp_path / "none.sock") as client:
            assert client.poll() == []
            assert not client.door_available
            with pytest.raises(WireError, match="nobody answers"):
                client.ask(Claim("Ada"))

    def test_sight_may_hang_up_after_each_answer(self, tmp_path: Path, sight: FakeSight) -> None:
        sight.polite = False
        with SightClient(tmp_path / "sight.sock") as client:
            for name in ("Ada", "Bo", "Cy"):
                client.ask(Claim(name))
                answers: list[Any] = []
                until(gathered(client.poll, answers))
                time.sleep(0.03)
        assert sight.asked == [Claim("Ada"), Claim("Bo"), Claim("Cy")]

    def test_requests_do_not_pile_up(self, tmp_path: Path, sight: FakeSight) -> None:
        sight.silent = True

        def ask_often() -> None:
            for _ in range(100):
                client.ask(Claim("Ada"))

        with (
            SightClient(tmp_path / "sight.sock") as client,
            pytest.raises(WireError, match="has not answered"),
        ):
            ask_often()


class TestReconnecting:
    def test_the_pause_doubles_up_to_a_minute(self) -> None:
        backoff = Backoff()
        pauses = [backoff.next() for _ in range(200)]
        assert pauses[0] <= 2
        assert all(pause <= 60 for pause in pauses)
        assert max(pauses[7:]) > 45
        backoff.reset()
        assert backoff.next() <= 2

    def test_a_fleet_does_not_come_back_at_once(self) -> None:
        """Full jitter: the first attempts of a thousand doors fill the whole window."""
        moments = sorted(Backoff().next() for _ in range(1000))
        assert moments[0] < 0.1
        assert moments[-1] > 1.9
        tenths = [sum(n / 5 <= at < (n + 1) / 5 for at in moments) for n in range(10)]
        assert max(tenths) < 160  # of 100 expected, five standard deviations and more

    def test_an_outage_is_said_once_and_so_is_its_end(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        outage = Outage()
        for _ in range(5):
            outage.report(BrokerError("nothing listens there."))
        outage.over("broker:1883", "5")
        outage.over("broker:1883", "5")
        lines = [record.getMessage() for record in caplog.records]
        assert lines[0] == "nothing listens there. Events wait in the ledger; trying again"
        assert lines[1].startswith("connected to broker:1883 again after 0.0 s")
        assert lines[2] == "connected to broker:1883, MQTT 5"
        assert len(lines) == 3


class TestSettings:
    def test_without_a_host_there_is_nothing_to_do(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        config = parse({"paths": {"state": str(tmp_path / "state")}}, "test")
        assert run(config, threading.Event()) == 0
        assert "MQTT is off" in caplog.text
        assert not (tmp_path / "state").exists()

    @pytest.mark.parametrize(
        ("mqtt", "sentence"),
        [
            ({"username": "a", "password_file": "missing"}, "mqtt.password_file: .*missing"),
            ({"username": "a", "password_file": "empty"}, "mqtt.password_file: .*is empty"),
            ({"tls": True, "ca_file": "missing"}, "mqtt.ca_file: .*missing cannot be read"),
            ({"tls": True, "ca_file": "text"}, "mqtt.ca_file: .*no PEM certificate"),
            ({"tls": True, "cert_file": "text", "key_file": "text"}, "not a PEM certificate"),
        ],
    )
    def test_a_wrong_file_is_told_and_read_again_at_the_next_attempt(
        self, tmp_path: Path, mqtt: dict[str, Any], sentence: str
    ) -> None:
        (tmp_path / "text").write_text("this is no certificate")
        (tmp_path / "empty").write_text("\n")
        for key, value in mqtt.items():
            if key.endswith("_file"):
                mqtt[key] = str(tmp_path / value)
        config = parse({"mqtt": {"host": "127.0.0.1", "port": 9, **mqtt}}, "test")
        broker = Broker(config.mqtt, "edge-door-door1")
        with pytest.raises(BrokerError, match=sentence):
            broker.connect()
        for file in (tmp_path / "missing", tmp_path / "empty"):
            file.write_text("secret")
        if mqtt.get("password_file"):  # mended: now it is the network that is wanting
            with pytest.raises(BrokerError, match=r"listens|known|reached"):
                broker.connect()

    def test_a_password_that_others_can_read_is_a_warning(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        file = tmp_path / "password"
        file.write_text("secret\n")
        file.chmod(0o644)
        mqtt = {"host": "127.0.0.1", "port": 9, "username": "door1", "password_file": str(file)}
        broker = Broker(parse({"mqtt": mqtt}, "test").mqtt, "edge-door-door1")
        for _ in range(2):
            with pytest.raises(BrokerError):
                broker.connect()
        assert caplog.text.count("others can read") == 1
        assert f"others can read {file}: chmod 600 it" in caplog.text
        assert "secret" not in caplog.text


class TestTwin:
    def heard(self, twin: Twin, public: bytes) -> None:
        twin.hear(TOPICS.key(public).payload)

    def test_another_key_before_our_own_is_history(self, caplog: pytest.LogCaptureFixture) -> None:
        twin = Twin(TOPICS)
        twin.begin(b"a" * 32)
        self.heard(twin, b"b" * 32)
        self.heard(twin, b"a" * 32)
        assert not twin.found
        assert "set up anew, or another device" in caplog.text

    def test_another_key_after_our_own_is_a_second_device(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        twin = Twin(TOPICS)
        for _ in range(2):
            twin.begin(b"a" * 32)
            self.heard(twin, b"a" * 32)
            self.heard(twin, b"b" * 32)
        assert twin.found
        assert caplog.text.count("another device publishes as facelock/door1") == 1

    @pytest.mark.parametrize("payload", [b"", b"[]", b"{}", b"\xff"])
    def test_what_is_no_key_says_nothing(self, payload: bytes) -> None:
        twin = Twin(TOPICS)
        twin.begin(b"a" * 32)
        twin.hear(payload)
        assert not twin.found


class TestReference:
    def test_the_page_is_what_the_code_says(self) -> None:
        written = Path(__file__).parents[2] / "deploy" / "guide" / "mqtt.md"
        assert written.read_text() == page(), "run: edge-door mqtt > deploy/guide/mqtt.md"

    def test_the_table_has_every_topic(self) -> None:
        told = [TOPICS.available(online=True), *TOPICS.states(DoorState())]
        told += [TOPICS.event(stored(an_event()), replayed=late) for late in (False, True)]
        told += [
            TOPICS.metrics({}),
            TOPICS.last_face(b"jpeg"),
            TOPICS.key(b"k" * 32),
            TOPICS.reported(REPORTED),
        ]
        told.append(TOPICS.answer(CommandAnswer("0" * 32, "done", "lock")))
        told.append(TOPICS.update(UpdateReported("door1", "", "none", "", 0)))
        told.append(TOPICS.people(Report("door1", 0, "", "m", "k").to_json(DoorKey(bytes(96)))))
        listed = {topic.name: topic for topic in TOLD}
        assert {message.topic for message in told} == {TOPICS.at(name) for name in listed}
        for message in told:
            topic = listed[message.topic.removeprefix("facelock/door1/")]
            assert (message.retain, message.qos) == (topic.retained, topic.qos)
            if isinstance(topic.payload, tuple):
                assert message.payload.decode() in topic.payload
            elif isinstance(topic.payload, type):
                from_json(topic.payload, message.payload)
        assert {TOPICS.at(topic.name) for topic in HEARD} == set(TOPICS.heard)

    def test_a_command_has_the_fields_that_a_door_wants(self) -> None:
        key = Ed25519PrivateKey.from_private_bytes(bytes(32))
        signed = json.loads(sign_command(key, "door1", Action.UNLOCK, 1, 0, "0" * 32))
        schema: Mapping[str, Any] = schemas()["command"]
        assert set(schema["properties"]) == set(schema["required"]) == set(signed)

    @given(reason=st.sampled_from(Reason), kind=st.sampled_from(EventKind), detail=DETAILS)
    def test_every_event_reads_back(
        self, reason: Reason, kind: EventKind, detail: dict[str, str | float | bool]
    ) -> None:
        event = an_event(reason, kind=kind, detail=detail)
        read = from_json(EventPayload, TOPICS.event(stored(event), replayed=False).payload)
        assert (read.reason, read.kind, dict(read.detail)) == (reason, kind, detail)


class TestReporting:
    def test_the_certificates_end(self, tmp_path: Path) -> None:
        crt, _ = Authority(tmp_path, "authority").issue("door1")
        ends = certificate_ends(crt)
        assert ends is not None
        assert abs(ends - time.time() - 86400) < 60
        assert certificate_ends(tmp_path / "none") is None
        assert certificate_ends(None) is None

    def test_the_hottest_zone(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("edge.link.reporting.THERMAL", tmp_path)
        assert temperature_c() is None
        for number, text in enumerate(("41234", "56789", "nonsense")):
            zone = tmp_path / f"thermal_zone{number}"
            zone.mkdir()
            (zone / "temp").write_text(text)
        assert temperature_c() == 57
