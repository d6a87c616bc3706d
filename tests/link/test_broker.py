"""Link against real brokers: mosquitto (MQTT 5, TLS, access lists) and amqtt (3.1.1)."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import random
import re
import socket
import ssl
import subprocess
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from typing_extensions import override

from edge.access.command import public_text, sign_command
from edge.backoff import Backoff
from edge.config import parse
from edge.errors import BrokerError, LedgerError
from edge.ledger.chain import chained, genesis
from edge.ledger.seal import key_name, signed_by
from edge.link import shipper as shipping
from edge.link.broker import Broker
from edge.link.outbox import Outbox
from edge.link.payloads import CommandAnswer, Reported, from_json
from edge.link.refusals import unreachable
from edge.vocabulary import Action
from edge.wire.messages import Claim, Done, Failed, Relock
from tests.support.link_parts import (
    OFFLINE,
    TOPICS,
    Amqtt,
    Authority,
    Device,
    FakeSight,
    Mosquitto,
    Reader,
    free_port,
    needs_mosquitto,
)
from tests.support.waiting import PATIENCE_S, until

if TYPE_CHECKING:
    from collections.abc import Iterator


OPERATOR = Ed25519PrivateKey.generate()
KEY = public_text(OPERATOR)


def order(number: int) -> str:
    issued = int(time.time())
    nonce = f"{number:032x}"
    return sign_command(OPERATOR, "door1", Action.UNLOCK, number + 1, issued, nonce)


@pytest.fixture(autouse=True)
def quick_returns(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tested is that it comes back, not how long a fleet spreads that."""
    monkeypatch.setattr("edge.link.process.Backoff", lambda: Backoff(0.2, 0.5))


@pytest.fixture
def reader(broker: Mosquitto) -> Iterator[Reader]:
    subscriber = Reader(broker.port)
    yield subscriber
    subscriber.close()


@pytest.fixture
def sight(device: Device) -> Iterator[FakeSight]:
    fake = FakeSight(device.config.sight_socket)
    yield fake
    fake.close()


@needs_mosquitto
class TestWithMosquitto:
    def test_events_states_and_availability_arrive(
        self, device: Device, reader: Reader, sight: FakeSight
    ) -> None:
        device.append(3, {"lock": "LOCKED", "contact": "closed", "tamper": "off", "camera": "ok"})
        device.start()
        until(lambda: reader.sequences() == [1, 2, 3])
        assert all(body["replayed"] for body in reader.events())
        device.append(states={"lock": "UNLOCKED"})
        until(lambda: reader.sequences() == [1, 2, 3, 4])
        assert reader.events()[-1]["replayed"] is False
        until(lambda: b"UNLOCKED" in reader.of("lock/state"))
        until(lambda: reader.of("metrics") == [b'{"decision_ms":41.5}'])
        until(lambda: device.outbox.watermarks().delivered == 4)
        device.stop()
        until(lambda: reader.of("availability") == [b"online", b"offline"])
        assert reader.of("lock/availability")[-1] == b"online"
        assert sight.asked == []

    def test_subscribed_then_states_then_online_on_every_connect(
        self, tmp_path: Path, device: Device, broker: Mosquitto
    ) -> None:
        device.start()
        log = tmp_path / "mosquitto.log"

        def greetings() -> list[list[str]]:
            lines = [line for line in log.read_text().splitlines() if "edge-door-door1" in line]
            greeted: list[list[str]] = []
            for line in lines:
                if "Sending CONNACK" in line:
                    greeted.append([])
                elif "Received SUBSCRIBE" in line:
                    greeted[-1].append("subscribe")
                elif "Received PUBLISH" in line:
                    greeted[-1].append(line.split("'")[1])
            return greeted

        online = TOPICS.at("availability")
        until(lambda: greetings() and online in greetings()[0])
        broker.kill()
        broker.start()
        until(lambda: len(greetings()) > 1 and online in greetings()[-1])
        for steps in greetings():
            told = steps[: steps.index(online)]
            assert told[:2] == ["subscribe", "subscribe"]
            assert set(told[2:]) == {
                TOPICS.audit_key,
                "homeassistant/device/facelock_door1/config",
                *(TOPICS.at(rest) for rest in ("lock/state", "lock/availability", "tamper")),
                *(TOPICS.at(f"door/{rest}") for rest in ("contact", "forced", "held")),
                TOPICS.at("camera/problem"),
                TOPICS.at("instruction"),
            }

    def test_a_broker_that_is_down_for_the_whole_visit(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        caplog.set_level(logging.INFO)
        somebody_listens = threading.Event()  # what comes before that, the broker lets drop

        class Patient(Backoff):
            @override
            def next(self) -> float:
                somebody_listens.wait(PATIENCE_S)
                return 0.0

        monkeypatch.setattr("edge.link.process.Backoff", Patient)
        mosquitto = Mosquitto(tmp_path)
        device = Device(tmp_path, mosquitto.port)
        device.start()
        device.append(200)
        until(lambda: "nothing listens" in caplog.text)
        mosquitto.start()
        reader = Reader(mosquitto.port)
        somebody_listens.set()
        try:
            until(lambda: len(reader.stored) == 200)
            assert reader.sequences() == list(range(1, 201))
            assert all(body["replayed"] for body in reader.events())
            assert len({body["chain"] for body in reader.events()}) == 200
            assert caplog.text.count("nothing listens") == 1
            assert caplog.text.count("again after") == 1
        finally:
            reader.close()
            device.close()
            mosquitto.kill()

    def test_the_last_will_is_seen_after_a_kill(self, device: Device, reader: Reader) -> None:
        device.fork()
        until(lambda: reader.of("availability") == [b"online"])
        device.kill()
        until(lambda: reader.of("availability") == [b"online", b"offline"])
        late = Reader(device.config.mqtt.port)
        until(lambda: late.of("availability") == [b"offline"])
        assert all(message.retain for message in late.messages)
        late.close()

    def test_sigterm_ends_it_with_a_farewell(self, device: Device, reader: Reader) -> None:
        device.append(3)
        device.fork()
        until(lambda: len(reader.stored) == 3 and reader.of("availability") == [b"online"])
        device.process.terminate()
        device.process.join(PATIENCE_S)
        assert device.process.exitcode == 0
        until(lambda: reader.of("availability") == [b"online", b"offline"])

    def test_no_event_is_ever_retained(
        self, device: Device, reader: Reader, sight: FakeSight
    ) -> None:
        device.append(2)
        device.start()
        until(lambda: b"None" in reader.of("tamper") and len(reader.stored) == 2)
        device.append()
        until(lambda: len(reader.stored) == 3)
        late = Reader(device.config.mqtt.port)
        until(lambda: late.of("availability"))
        kept = {message.topic for message in late.messages if message.retain}
        assert not {topic for topic in kept if topic.startswith(TOPICS.at("event"))}
        assert TOPICS.at("metrics") not in kept
        late.close()
        assert sight.asked == []

    def test_a_broker_that_is_killed_loses_nothing_for_a_reader_that_confirms(
        self, tmp_path: Path
    ) -> None:
        mosquitto = Mosquitto(tmp_path).start()
        device = Device(tmp_path, mosquitto.port)
        reader = Reader(mosquitto.port, confirms=True)
        dice = random.Random(7)
        try:
            device.start()
            for _ in range(2):
                device.append(60)
                time.sleep(dice.random() * 0.2)
                mosquitto.kill()
                device.append(5)
                mosquitto.start()
                until(lambda: len(reader.stored) == device.ledger.written(), 30)
            until(lambda: device.outbox.watermarks().confirmed == 2 * 65)
            chains = [event.chain for event in device.ledger.events(limit=1000)]
            assert list(dict(sorted(reader.stored.items())).values()) == chains
        finally:
            reader.close()
            device.close()
            mosquitto.kill()

    def test_a_ledger_in_trouble_is_said_once_and_tried_again(
        self,
        device: Device,
        reader: Reader,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        def full(*_: object) -> None:
            raise LedgerError("the disk is full.")

        monkeypatch.setattr("edge.link.ledger_rest.REST_S", 0.02)
        device.append(3)
        with monkeypatch.context() as trouble:
            trouble.setattr(Outbox, "mark_delivered", full)
            device.start()
            until(lambda: "the disk is full." in caplog.text)
            time.sleep(0.5)
            assert caplog.text.count("the disk is full.") == 1
        until(lambda: device.outbox.watermarks().delivered == 3)
        assert reader.sequences() == [1, 2, 3]
        assert reader.of("availability") == [b"online"]

    def test_a_reader_that_forgot_gets_the_unconfirmed_again(
        self, device: Device, reader: Reader
    ) -> None:
        device.append(6)
        device.start()
        until(lambda: len(reader.stored) == 6)
        body = {"sequence": 4, "chain": reader.stored[4], "resend": True}
        reader.client.publish(TOPICS.confirm, json.dumps(body), 1)
        until(lambda: reader.sequences() == [1, 2, 3, 4, 5, 6, 5, 6])
        assert device.outbox.watermarks().confirmed == 4


@needs_mosquitto
class TestRefusals:
    @pytest.fixture
    def guarded(self, tmp_path: Path) -> Iterator[Mosquitto]:
        passwords = tmp_path / "passwords"
        subprocess.run(
            ["mosquitto_passwd", "-c", "-b", passwords, "door1", "right"],
            check=True,
            capture_output=True,
        )
        access = tmp_path / "acl"
        access.write_text("user door1\ntopic write facelock/door1/availability\ntopic read #\n")
        mosquitto = Mosquitto(
            tmp_path, f"password_file {passwords}", f"acl_file {access}", anonymous=False
        ).start()
        yield mosquitto
        mosquitto.kill()

    def login(self, tmp_path: Path, password: str) -> dict[str, Any]:
        file = tmp_path / "password"
        file.write_text(f"\ufeff{password}\r\n")  # as an editor of Windows writes it
        file.chmod(0o600)
        return {"username": "door1", "password_file": str(file)}

    def test_an_event_that_the_access_list_forbids_is_not_delivered(
        self, tmp_path: Path, guarded: Mosquitto, caplog: pytest.LogCaptureFixture
    ) -> None:
        device = Device(tmp_path, guarded.port, **self.login(tmp_path, "right"))
        device.append(3)
        try:
            device.start()
            refusal = "refuses to take facelock/door1/event/replay (Not authorized)"
            until(lambda: refusal in caplog.text)
            time.sleep(0.2)
            assert device.outbox.watermarks().delivered == 0
            assert caplog.text.count(refusal) == 1
        finally:
            device.close()

    def test_it_is_delivered_once_the_access_list_allows_it(
        self,
        tmp_path: Path,
        guarded: Mosquitto,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        monkeypatch.setattr(shipping, "REFUSED_RETRY_S", 0.3)
        device = Device(tmp_path, guarded.port, **self.login(tmp_path, "right"))
        device.append(3)
        try:
            device.start()
            until(lambda: "refuses to take facelock/door1/event/replay" in caplog.text)
            (tmp_path / "acl").write_text("user door1\ntopic readwrite #\n")
            guarded.reload()
            until(lambda: device.outbox.watermarks().delivered == 3)
        finally:
            device.close()

    def test_wrong_credentials_are_a_sentence_and_it_goes_on_trying(
        self, tmp_path: Path, guarded: Mosquitto, caplog: pytest.LogCaptureFixture
    ) -> None:
        device = Device(tmp_path, guarded.port, **self.login(tmp_path, "wrong"))
        try:
            device.start()
            until(lambda: "refuses these credentials" in caplog.text)
            time.sleep(1.5)
            assert "Check [mqtt] username and password_file" in caplog.text
            assert caplog.text.count("refuses these credentials") == 1
        finally:
            device.close()

    def test_nobody_there(self) -> None:
        port = free_port()
        config = parse({"mqtt": {"host": "127.0.0.1", "port": port}}, "test")
        with pytest.raises(BrokerError, match=r"nothing listens at 127\.0\.0\.1"):
            Broker(config.mqtt, "door1").connect(OFFLINE)

    def test_somebody_who_is_no_broker(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("edge.link.client.ANSWER_TIMEOUT_S", 0.2)
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            config = parse({"mqtt": {"host": "127.0.0.1", "port": port}}, "test")
            with pytest.raises(BrokerError, match="does not answer as"):
                Broker(config.mqtt, "door1").connect(OFFLINE)


@pytest.mark.parametrize(
    ("code", "message", "check"),
    [
        (9, "certificate is not yet valid", "the clock here"),
        (10, "certificate has expired", "when it begins and ends"),
        (62, "Hostname mismatch", r"\[mqtt\] ca_file and host"),
    ],
)
def test_a_certificates_dates_are_told_apart_from_who_signed_it(
    code: int, message: str, check: str
) -> None:
    error = ssl.SSLCertVerificationError()
    error.verify_code, error.verify_message = code, message
    assert re.search(check, unreachable("broker:8883", error))


class TestWhatIsNoBroker:
    """Behind the address is something that answers, but not by the rules."""

    CONNACK = bytes.fromhex("2003000000")

    def serve(self, server: socket.socket, answers: list[bytes]) -> None:
        for answer in answers:
            peer, _ = server.accept()
            # On a busy machine the client may have given up by now.
            with peer, contextlib.suppress(OSError):
                peer.settimeout(PATIENCE_S)
                peer.recv(4096)
                peer.sendall(answer)
                peer.shutdown(socket.SHUT_WR)
                while peer.recv(4096):
                    pass

    def work(self, broker: Broker) -> None:
        with broker.connect(OFFLINE) as connection:
            connection.subscribe(TOPICS.heard)
            for _ in range(100):
                connection.poll(0.05)

    def test_garbage_is_an_outage_and_nothing_else(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("edge.link.client.ANSWER_TIMEOUT_S", 0.2)
        dice = random.Random(11)
        kinds = [0x20, 0x30, 0x32, 0x34, 0x40, 0x50, 0x62, 0x90, 0xB0, 0xD0, 0xE0, 0xF0]
        answers = []
        for number in range(300):
            body = dice.randbytes(dice.randrange(60))
            packet = bytes([dice.choice(kinds), len(body)]) + body
            answers.append(self.CONNACK + packet if number % 4 else packet)
        with socket.create_server(("127.0.0.1", 0)) as server:
            mqtt = {"host": "127.0.0.1", "port": server.getsockname()[1], "protocol": "5"}
            broker = Broker(parse({"mqtt": mqtt}, "test").mqtt, "door1")
            thread = threading.Thread(target=self.serve, args=(server, answers))
            thread.start()
            for _ in answers:
                with pytest.raises(BrokerError):
                    self.work(broker)
            thread.join(PATIENCE_S)
            assert not thread.is_alive()


class TestABusyBroker:
    def test_silence_is_no_proof_of_an_old_broker(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One CONNACK too late put a door on MQTT 3.1.1 for an hour."""
        monkeypatch.setattr("edge.link.client.ANSWER_TIMEOUT_S", 0.2)
        mosquitto = Mosquitto(tmp_path)
        mqtt = {"host": "127.0.0.1", "port": mosquitto.port}
        broker = Broker(parse({"mqtt": mqtt}, "test").mqtt, "door1")
        with socket.create_server(("127.0.0.1", mosquitto.port), backlog=8):
            for _ in range(5):
                with pytest.raises(BrokerError, match="does not answer as"):
                    broker.connect(OFFLINE)
        monkeypatch.setattr("edge.link.client.ANSWER_TIMEOUT_S", 5.0)
        mosquitto.start()
        try:
            with broker.connect(OFFLINE) as connection:
                assert connection.protocol == "5"
        finally:
            mosquitto.kill()


@needs_mosquitto
class TestAPacketLimit:
    @pytest.mark.parametrize("limit", ["max_packet_size", "message_size_limit"])
    def test_what_fits_arrives(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture, limit: str
    ) -> None:
        """A longer packet made the broker hang up, again and again, and one that is only answered
        made the door hang up."""
        mosquitto = Mosquitto(tmp_path, f"{limit} 1600").start()
        device, reader = Device(tmp_path, mosquitto.port), Reader(mosquitto.port)
        try:
            device.append(2)
            device.append(detail={"why": "x" * 1600})
            device.append(2)
            device.start()
            until(lambda: reader.sequences() == [1, 2, 4, 5])
            until(lambda: device.outbox.watermarks().delivered == 5)
            assert caplog.text.count("event 3 is left out") == 1
            assert reader.of("availability") == [b"online"]
        finally:
            device.close()
            reader.close()
            mosquitto.kill()


@needs_mosquitto
class TestWhatTheDeviceSaysOfItself:
    def test_body_and_head_let_a_reader_check_the_whole_chain(
        self, device: Device, reader: Reader
    ) -> None:
        device.append(5)
        device.start()
        until(lambda: len(reader.stored) == 5)
        until(lambda: reader.of("audit_key"))
        key = base64.b64decode(json.loads(reader.of("audit_key")[0])["key"])
        chain = genesis("door1")
        for body in reader.events():
            chain = chained(chain, body["seq"], body["boot"], body["body"])
            assert chain == body["chain"]
            head = body["head"]
            signature = base64.b64decode(head["sig"])
            assert signed_by(key, signature, "door1", head["seq"], head["chain"])
            assert head["key"] == key_name(key)
            assert (head["seq"], head["chain"]) == (body["seq"], chain)

    def test_reported_is_retained_and_says_what_is_there(
        self, device: Device, reader: Reader, sight: FakeSight
    ) -> None:
        device.append(3)
        device.start()
        until(lambda: reader.of("reported"))
        late = Reader(device.config.mqtt.port)
        until(lambda: late.of("reported"))
        said = from_json(Reported, late.of("reported")[0])
        assert (said.first, said.last, said.protocol, said.twin) == (1, 3, "5", False)
        assert sight.asked == []
        late.close()

    def test_two_devices_with_one_id_are_told(
        self, tmp_path: Path, device: Device, reader: Reader, caplog: pytest.LogCaptureFixture
    ) -> None:
        twin = Device(tmp_path / "twin", device.config.mqtt.port)
        try:
            device.append()
            twin.append()
            device.start()
            until(lambda: reader.of("audit_key"))
            twin.start()
            until(lambda: "another device publishes as facelock/door1" in caplog.text)
            until(lambda: any(json.loads(each)["twin"] for each in reader.of("reported")))
        finally:
            twin.close()


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@needs_mosquitto
class TestTls:
    @pytest.fixture
    def secure(self, tmp_path: Path) -> Iterator[tuple[Mosquitto, Authority]]:
        authority = Authority(tmp_path, "authority")
        crt, key = authority.issue("broker")
        mosquitto = Mosquitto(
            tmp_path,
            f"cafile {authority.file}",
            f"certfile {crt}",
            f"keyfile {key}",
            "require_certificate true",
            "use_identity_as_username true",
        ).start()
        yield mosquitto, authority
        mosquitto.kill()

    def connect(self, port: int, **mqtt: Any) -> str:
        text = {
            key: str(value) if isinstance(value, Path) else value for key, value in mqtt.items()
        }
        config = parse({"mqtt": {"host": "127.0.0.1", "port": port, **text}}, "test")
        connection = Broker(config.mqtt, "edge-door-door1").connect(OFFLINE)
        connection.close(OFFLINE)
        return connection.protocol

    def test_a_client_certificate_opens(self, secure: tuple[Mosquitto, Authority]) -> None:
        mosquitto, authority = secure
        crt, key = authority.issue("door1")
        files = {"ca_file": authority.file, "cert_file": crt, "key_file": key}
        assert self.connect(mosquitto.port, tls=True, **files) == "5"

    def test_a_wrong_authority_is_a_sentence(
        self, tmp_path: Path, secure: tuple[Mosquitto, Authority]
    ) -> None:
        mosquitto, authority = secure
        crt, key = authority.issue("door1")
        other = Authority(tmp_path, "other")
        with pytest.raises(BrokerError, match=r"is not trusted .* Check \[mqtt\] ca_file"):
            self.connect(mosquitto.port, tls=True, ca_file=other.file, cert_file=crt, key_file=key)

    def test_no_client_certificate_is_a_sentence(self, secure: tuple[Mosquitto, Authority]) -> None:
        mosquitto, authority = secure
        with pytest.raises(BrokerError, match=r"client certificate"):
            self.connect(mosquitto.port, tls=True, ca_file=authority.file)

    def test_a_certificate_of_another_authority_is_a_sentence(
        self, tmp_path: Path, secure: tuple[Mosquitto, Authority]
    ) -> None:
        mosquitto, authority = secure
        crt, key = Authority(tmp_path, "other").issue("rogue")
        with pytest.raises(BrokerError, match=r"client certificate"):
            self.connect(
                mosquitto.port, tls=True, ca_file=authority.file, cert_file=crt, key_file=key
            )

    def test_plain_text_to_a_tls_port_is_a_sentence(
        self, secure: tuple[Mosquitto, Authority]
    ) -> None:
        mosquitto, _ = secure
        with pytest.raises(BrokerError, match="may want TLS"):
            self.connect(mosquitto.port)

    def test_tls_to_a_plain_port_is_a_sentence(self, broker: Mosquitto, tmp_path: Path) -> None:
        authority = Authority(tmp_path, "authority")
        with pytest.raises(BrokerError, match="TLS port"):
            self.connect(broker.port, tls=True, ca_file=authority.file)


@needs_mosquitto
class TestCommandsFromTheNetwork:
    def test_lock_and_claim_reach_sight(
        self, device: Device, reader: Reader, sight: FakeSight
    ) -> None:
        device.start()
        until(lambda: reader.of("availability"))
        reader.client.publish(TOPICS.lock_set, "LOCK", 1)
        reader.client.publish(TOPICS.claim_set, "Ada", 1)
        until(lambda: len(sight.asked) == 2)
        assert reader.of("command/answer") == []
        assert sight.asked == [
            Relock(),
            Claim("Ada"),
        ]

    def test_a_signed_command_is_answered(
        self, tmp_path: Path, broker: Mosquitto, reader: Reader
    ) -> None:
        device = Device(tmp_path, broker.port, remote_unlock=True, command_keys=[KEY])
        sight = FakeSight(device.config.sight_socket)
        sight.answer = Done("unlock")
        try:
            device.start()
            until(lambda: reader.of("availability"))
            reader.client.publish(TOPICS.command, order(0), 1)
            until(lambda: len(reader.of("command/answer")) == 1)
            sight.answer = Failed("it expired")
            reader.client.publish(TOPICS.command, order(1), 1)
            until(lambda: len(reader.of("command/answer")) == 2)
            told = [from_json(CommandAnswer, each) for each in reader.of("command/answer")]
            assert told == [
                CommandAnswer("0" * 32, "done", "unlock"),
                CommandAnswer(f"{1:032x}", "refused", "it expired"),
            ]
        finally:
            device.close()
            sight.close()

    def test_a_command_where_commands_are_off_is_answered_too(
        self, device: Device, reader: Reader
    ) -> None:
        device.start()
        until(lambda: reader.of("availability"))
        reader.client.publish(TOPICS.command, json.dumps({"nonce": "a" * 32}), 1)
        until(lambda: reader.of("command/answer"))
        told = from_json(CommandAnswer, reader.of("command/answer")[0])
        assert (told.id, told.outcome) == ("a" * 32, "refused")
        assert "signed commands are off" in told.reason

    @pytest.mark.parametrize("protocol", ["5", "3.1.1"])
    def test_what_was_retained_is_never_followed(
        self, tmp_path: Path, broker: Mosquitto, reader: Reader, protocol: str
    ) -> None:
        for topic in (TOPICS.lock_set, TOPICS.command, TOPICS.claim_set):
            for payload in ("UNLOCK", "LOCK", '{"action":"unlock"}'):
                reader.client.publish(topic, payload, 1, retain=True).wait_for_publish(PATIENCE_S)
        remote = {"remote_unlock": True, "command_keys": [KEY]}
        device = Device(tmp_path, broker.port, protocol=protocol, **remote)
        sight = FakeSight(device.config.sight_socket)
        try:
            for _ in range(3):  # and after a reconnect
                device.start()
                until(lambda: reader.of("availability")[-1:] == [b"online"])
                time.sleep(0.2)
                device.stop()
                until(lambda: reader.of("availability")[-1] == b"offline")
            assert sight.asked == []
        finally:
            sight.close()
            device.close()

    def test_retained_while_connected_is_refused_under_mqtt_5(
        self, device: Device, reader: Reader, sight: FakeSight, caplog: pytest.LogCaptureFixture
    ) -> None:
        device.start()
        until(lambda: reader.of("availability"))
        reader.client.publish(TOPICS.lock_set, "LOCK", 1, retain=True)
        until(lambda: "a retained message is never followed" in caplog.text)
        assert sight.asked == []

    def test_plain_unlocks_duplicates_and_garbage_never_unlock(
        self,
        device: Device,
        reader: Reader,
        sight: FakeSight,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        # As if no flood protection stood before it: every payload is to be judged.
        monkeypatch.setattr("edge.access.bucket.TokenBucket.take", lambda *_: True)
        dice = random.Random(20)
        seeds = [b"UNLOCK", b"OPEN", b"unlock", b'{"action":"unlock"}', b"LOCK", b"\x00", b""]
        device.start()
        until(lambda: reader.of("availability"))
        for number in range(600):
            payload = dice.choice(seeds)
            if number % 3:
                shuffled = bytearray(payload + dice.randbytes(dice.randrange(200)))
                dice.shuffle(shuffled)
                payload = bytes(shuffled)
            topic = dice.choice(TOPICS.heard)
            for _ in range(1 + number % 2):
                reader.client.publish(topic, payload, number % 3, retain=number % 5 == 0)
        reader.client.publish(TOPICS.claim_set, "the last one", 1)
        until(lambda: Claim("the last one") in sight.asked)
        assert {type(packet) for packet in sight.asked} <= {Relock, Claim}
        assert reader.of("availability") == [b"online"]

    def test_a_flood_does_not_hold_up_events_or_lock(
        self, device: Device, reader: Reader, sight: FakeSight
    ) -> None:
        device.start()
        until(lambda: reader.of("availability"))
        for _ in range(5000):
            reader.client.publish(TOPICS.claim_set, "Ada", 0)
        device.append(5)
        reader.client.publish(TOPICS.lock_set, "LOCK", 1)
        until(lambda: Relock() in sight.asked)
        until(lambda: len(reader.stored) == 5)
        assert sight.asked.count(Claim("Ada")) < 60


@needs_mosquitto
class TestHomeAssistant:
    CONFIG = "homeassistant/device/facelock_door1/config"

    def announced(self, reader: Reader) -> list[bytes]:
        return [bytes(m.payload) for m in list(reader.messages) if m.topic == self.CONFIG]

    def test_announced_at_connect_and_when_home_assistant_starts(
        self, device: Device, reader: Reader
    ) -> None:
        device.start()
        until(lambda: len(self.announced(reader)) == 1)
        until(lambda: reader.of("availability"))
        reader.client.publish("homeassistant/status", "offline", 1)
        reader.client.publish("homeassistant/status", "online", 1)
        until(lambda: len(self.announced(reader)) == 2)
        late = Reader(device.config.mqtt.port)
        until(lambda: self.announced(late))
        late.close()

    def test_withdrawn_when_turned_off(
        self, tmp_path: Path, device: Device, broker: Mosquitto, reader: Reader
    ) -> None:
        device.start()
        until(lambda: self.announced(reader))
        device.stop()
        quiet = Device(tmp_path / "quiet", broker.port, discovery=False)
        try:
            quiet.start()
            until(lambda: self.announced(reader)[-1] == b"")
            late = Reader(broker.port)
            until(lambda: late.of("availability"))
            assert self.announced(late) == []
            late.close()
        finally:
            quiet.close()


@pytest.mark.slow
@needs_mosquitto
class TestKilled:
    def test_link_killed_at_any_moment_loses_nothing(self, device: Device, reader: Reader) -> None:
        dice = random.Random(3)
        kills = 40
        for _ in range(kills):
            device.fork()
            for _ in range(dice.randrange(1, 12)):
                device.append()
                time.sleep(dice.random() * 0.03)
            time.sleep(dice.random() * 0.2)
            device.kill()
        device.fork()
        written = device.ledger.written()
        until(lambda: len(reader.stored) == written, 30)
        until(lambda: device.outbox.watermarks().delivered == written)
        seen: list[int] = []
        for sequence in reader.sequences():  # after dedupe: all, once, in order
            if sequence not in seen:
                seen.append(sequence)
        assert seen == list(range(1, written + 1))

    def test_broker_killed_at_any_moment_loses_nothing(self, tmp_path: Path) -> None:
        mosquitto = Mosquitto(tmp_path).start()
        device = Device(tmp_path, mosquitto.port)
        reader = Reader(mosquitto.port, confirms=True)
        dice = random.Random(5)
        try:
            device.start()
            for _ in range(20):
                device.append(dice.randrange(1, 30))
                time.sleep(dice.random() * 0.4)
                mosquitto.kill()
                device.append(dice.randrange(3))
                time.sleep(dice.random() * 0.4)
                mosquitto.start()
            written = device.ledger.written()
            until(lambda: device.outbox.watermarks().confirmed == written, 60)
            assert reader.whole() == written
        finally:
            reader.close()
            device.close()
            mosquitto.kill()


class TestWithAmqtt:
    @pytest.fixture
    def amqtt(self) -> Iterator[Amqtt]:
        embedded = Amqtt()
        yield embedded
        embedded.close()

    def test_falls_back_to_3_1_1_and_says_once_what_is_lost(
        self,
        tmp_path: Path,
        amqtt: Amqtt,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        caplog.set_level(logging.INFO, logger="edge")
        monkeypatch.setattr("edge.link.client.ANSWER_TIMEOUT_S", 1.0)
        monkeypatch.setattr("edge.link.broker.SILENT_S", 2.0)
        reader = Reader(amqtt.port)
        device = Device(tmp_path, amqtt.port)
        device.append(3)
        try:
            device.start()
            until(lambda: reader.of("availability")[-1:] == [b"online"])
            device.append()
            until(lambda: len(reader.stored) == 4)
            # What the broker has not acknowledged when the connection breaks goes out again.
            until(lambda: device.outbox.watermarks().delivered == 4)
            amqtt.hang_up("edge-door-door1")
            until(lambda: "again after" in caplog.text)
            device.append()
            until(lambda: len(reader.stored) == 5)
            device.stop()
            until(lambda: reader.of("availability")[-1] == b"offline")
            assert reader.sequences() == [1, 2, 3, 4, 5]
            said = [r.getMessage() for r in caplog.records if r.name == "edge.link.broker"]
            assert len(said) == 1
            assert "does not speak MQTT 5; using 3.1.1" in said[0]
            assert "reported as a success" in said[0]
            assert "MQTT 3.1.1" in caplog.text
        finally:
            device.close()
            reader.close()

    def test_does_not_fall_back_where_5_is_demanded(
        self, amqtt: Amqtt, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("edge.link.client.ANSWER_TIMEOUT_S", 0.3)
        mqtt = {"host": "127.0.0.1", "port": amqtt.port, "protocol": "5"}
        config = parse({"mqtt": mqtt}, "test")
        with pytest.raises(BrokerError, match="protocol = 'auto' allows that"):
            Broker(config.mqtt, "door1").connect(OFFLINE)
