"""What the tests of link are made of: brokers, a reader, sight's socket, one device."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge.config import Config, parse
from edge.errors import WireError
from edge.ledger.ledger import Ledger
from edge.ledger.seal import Seal
from edge.link.outbox import Outbox
from edge.link.process import run
from edge.link.topics import Topics
from edge.records import Event, EventKind, Reason
from edge.stopping import StopSignal
from edge.wire.channel import Listener
from edge.wire.messages import Answer, AskStatus, Done, Status
from tests.support.forked import CONTEXT
from tests.support.waiting import PATIENCE_S, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from paho.mqtt.client import MQTTMessage

MOSQUITTO = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
needs_mosquitto = pytest.mark.skipif(
    MOSQUITTO is None, reason="no mosquitto here: apt-get install mosquitto"
)
TOPICS = Topics("facelock", "door1")
OFFLINE = TOPICS.available(online=False)


def gathered(poll: Callable[[], list[Any]], into: list[Any]) -> Callable[[], bool]:
    """A condition for `until`: something has come; what came is in `into`."""

    def anything() -> bool:
        into.extend(poll())
        return bool(into)

    return anything


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Mosquitto:
    """A broker on a loopback port of its own; may be killed and started again."""

    def __init__(
        self, folder: Path, *lines: str, anonymous: bool = True, quiet: bool = False
    ) -> None:
        self.port = free_port()
        self._conf = folder / "mosquitto.conf"
        self._log = folder / "mosquitto.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._conf.write_text(
            "\n".join(
                [
                    f"listener {self.port} 127.0.0.1",
                    f"allow_anonymous {str(anonymous).lower()}",
                    "persistence false",
                    f"log_type {'error' if quiet else 'all'}",
                    # Else it gives up root and cannot read this folder.
                    "user root",
                    *lines,
                ]
            )
            + "\n"
        )

    @property
    def pid(self) -> int:
        """Of the running broker."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> Mosquitto:
        assert MOSQUITTO is not None
        with self._log.open("ab") as log:
            self._process = subprocess.Popen([MOSQUITTO, "-c", self._conf], stdout=log, stderr=log)
        until(self._listens)
        return self

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self._log.read_text()
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def reload(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


class Reader:
    """A subscriber to everything; keeps what came, in order. Subscribed again by itself."""

    def __init__(
        self, port: int, *, confirms: bool = False, tls: tuple[Path, Path, Path] | None = None
    ) -> None:
        self.messages: list[MQTTMessage] = []
        self.stored: dict[int, str] = {}
        self._whole = 0
        self._confirms = confirms
        self.client = Client(
            CallbackAPIVersion.VERSION2, client_id="", protocol=MQTTProtocolVersion.MQTTv311
        )
        self.client.reconnect_delay_set(1, 1)
        self.client.on_connect = lambda client, *_: client.subscribe("#", 1)
        self.client.on_message = self._on_message
        subscribed = threading.Event()
        self.client.on_subscribe = lambda *_: subscribed.set()
        if tls is not None:
            authority, certificate, key = map(str, tls)
            self.client.tls_set(authority, certificate, key)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        until(subscribed.is_set)

    def _on_message(self, _client: Client, _userdata: object, message: MQTTMessage) -> None:
        self.messages.append(message)
        if message.topic.startswith(TOPICS.at("event")):
            body = json.loads(message.payload)
            self.stored[body["seq"]] = body["chain"]
            if self._confirms and self.whole() == body["seq"]:
                self.confirm(resend=False)
        if self._confirms and (message.topic, message.payload) == (
            TOPICS.at("availability"),
            b"online",
        ):
            self.confirm(resend=True)

    def whole(self) -> int:
        """The number up to which nothing is missing."""
        while self._whole + 1 in self.stored:
            self._whole += 1
        return self._whole

    def confirm(self, *, resend: bool) -> None:
        number = self.whole()
        body: dict[str, Any] = {"sequence": number, "chain": self.stored.get(number, "")}
        if resend:
            body["resend_from"] = number + 1
        self.client.publish(TOPICS.confirm, json.dumps(body), 1)

    def of(self, rest: str) -> list[bytes]:
        topic = TOPICS.at(rest)
        return [bytes(message.payload) for message in list(self.messages) if message.topic == topic]

    def events(self) -> list[dict[str, Any]]:
        """All of both feeds, in the order in which they came."""
        feeds = {TOPICS.at("event"), TOPICS.at("event/replay")}
        return [json.loads(m.payload) for m in list(self.messages) if m.topic in feeds]

    def sequences(self) -> list[int]:
        return [body["seq"] for body in self.events()]

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


class FakeSight:
    """Answers on sight's socket and keeps what was asked."""

    def __init__(self, path: Path) -> None:
        self.asked: list[object] = []
        self.status = Status(door=True, camera="ok", people=1, metrics={"decision_ms": 41.5})
        self.answer: Answer = Done()
        self.silent = False
        self.polite = True
        self._listener = Listener(path)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        channels = []
        while not self._stop.wait(0.005):
            channel = self._listener.accept()
            if channel is not None:
                channels.append(channel)
            for channel in [] if self.silent else list(channels):
                try:
                    self._answer(channel)
                    if self.polite:
                        continue
                except WireError:
                    pass
                channel.close()
                channels.remove(channel)
        for channel in channels:
            channel.close()
        self._listener.close()

    def _answer(self, channel: Any) -> None:
        packet = channel.receive(timeout_s=0.005)
        if packet is None:
            return
        if isinstance(packet, AskStatus):
            channel.send(self.status)
            return
        self.asked.append(packet)
        channel.send(self.answer)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()


def run_until_told(config: Config) -> None:
    """Link as a program of its own."""
    with StopSignal() as stop:
        run(config, stop)


class Device:
    """One edge-door's folder: configuration, ledger, and link in a thread or a process."""

    def __init__(self, folder: Path, port: int, **mqtt: Any) -> None:
        self.config: Config = parse(
            {
                "paths": {"state": str(folder / "state"), "run": str(folder / "run")},
                "mqtt": {"host": "127.0.0.1", "port": port, **mqtt},
            },
            "test",
        )
        seal = Seal(secrets.token_bytes(32), folder / "anchor")
        self.ledger = Ledger.open(self.config.ledger_db, "door1", seal)
        self.outbox = Outbox.open(self.config.outbox_db)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.process: Any = None

    def append(
        self,
        count: int = 1,
        states: dict[str, str] | None = None,
        detail: dict[str, str | float | bool] | None = None,
    ) -> None:
        for _ in range(count):
            self.ledger.append(
                Event(
                    kind=EventKind.ACCESS,
                    reason=Reason.GRANTED,
                    at=time.monotonic(),
                    wall=time.time(),
                    wall_trusted=True,
                    device="door1",
                    person="Ada",
                    detail=detail or {},
                ),
                states,
            )

    def start(self) -> None:
        self._stop.clear()
        self._thread = threading.Thread(target=run, args=(self.config, self._stop))
        self._thread.start()

    def stop(self) -> None:
        if self._thread is not None:
            self._stop.set()
            self._thread.join(PATIENCE_S)
            assert not self._thread.is_alive()
            self._thread = None

    def fork(self) -> None:
        self.process = CONTEXT.Process(target=run_until_told, args=(self.config,))
        self.process.start()

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.join()
            self.process.close()
            self.process = None

    def close(self) -> None:
        self.stop()
        self.kill()
        self.outbox.close()
        self.ledger.close()


class Authority:
    """A certificate authority for one test."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self._key = ec.generate_private_key(ec.SECP256R1())
        self.file = folder / f"{name}.crt"
        self.file.write_bytes(self._sign(self._name, self._key, ca=True))

    def issue(self, name: str) -> tuple[Path, Path]:
        """Certificate and key for `name` at 127.0.0.1."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        crt, key_file = self._folder / f"{name}.crt", self._folder / f"{name}.key"
        crt.write_bytes(self._sign(subject, key, ca=False))
        key_file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        return crt, key_file

    def _sign(self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, *, ca: bool) -> bytes:
        now = datetime.now(timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]),
                critical=False,
            )
            .add_extension(
                x509.KeyUsage(
                    digital_signature=True,
                    content_commitment=False,
                    key_encipherment=False,
                    data_encipherment=False,
                    key_agreement=False,
                    key_cert_sign=ca,
                    crl_sign=ca,
                    encipher_only=False,
                    decipher_only=False,
                ),
                critical=True,
            )
        )
        signed = builder.sign(self._key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)


class Amqtt:
    """The demo's broker, which knows only MQTT 3.1.1, on a thread of its own."""

    def __init__(self) -> None:
        amqtt = pytest.importorskip("amqtt.broker", reason="no amqtt here: pip install amqtt")
        self.port = free_port()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._broker = self._await(self._make(amqtt.Broker))
        self._await(self._broker.start())

    async def _make(self, broker: Any) -> Any:
        return broker(
            {
                "listeners": {"default": {"type": "tcp", "bind": f"127.0.0.1:{self.port}"}},
                "plugins": {
                    "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}
                },
            }
        )

    def _await(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE_S)

    def hang_up(self, client_id: str) -> None:
        async def drop() -> None:
            await self._broker._sessions[client_id][1].writer.close()

        self._await(drop())

    def close(self) -> None:
        self._await(self._broker.shutdown())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
