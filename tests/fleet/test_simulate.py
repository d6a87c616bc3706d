"""Simulated doors: thin ones send what whole ones send, and the story of both can be checked."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import socket
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from typing_extensions import override

from edge.clock import now
from edge.config.network import MqttSection
from edge.fleet.places import broker_at
from edge.fleet.simulate import packets
from edge.fleet.simulate.persona import Persona
from edge.fleet.simulate.run import Fleet, run_thin, run_whole
from edge.fleet.simulate.tally import Tally
from edge.fleet.simulate.thin import ThinDoor, keep_connected
from edge.fleet.simulate.whole import WholeDoor
from edge.ledger.chain import chained, genesis
from edge.link.broker import Broker
from edge.moment import Moment
from tests.fleet.broker_parts import place
from tests.support.forked import edge_door
from tests.support.link_parts import Mosquitto, Reader, needs_mosquitto
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edge.link.client import Connection

MOMENT = Moment("boot", 12.5, 1_700_000_000.25, wall_trusted=True)


class Listening:
    """Takes one client, says yes to everything, and keeps the packets, their numbers blanked."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._server.getsockname()[1])
        self.heard: list[tuple[int, bytes]] = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        self._peer, _ = self._server.accept()
        buffer = bytearray()
        with self._peer as peer, contextlib.suppress(ConnectionError):
            while data := peer.recv(65536):
                buffer += data
                for head, body in packets.split(buffer):
                    peer.sendall(self._answer(head, body))

    def _answer(self, head: int, body: bytes) -> bytes:
        kind = head >> 4
        if kind == 1:
            self.heard.append((head, body))
            return bytes.fromhex("2003000000")
        if kind == 8:
            self.heard.append((head, b"\0\0" + body[2:]))
            return b"\x90" + bytes((7,)) + body[:2] + b"\0" + bytes(4)
        if kind != 3 or not head & 0x06:
            return b""
        at = 2 + int.from_bytes(body[:2], "big")
        self.heard.append((head, body[:at] + b"\0\0" + body[at + 2 :]))
        return b"\x40\x02" + body[at : at + 2]

    def events(self) -> int:
        read = [packets.read_publish(head, body) for head, body in self.heard if head >> 4 == 3]
        return sum("/event" in topic for topic, _, _ in read)

    def hang_up(self) -> None:
        self._peer.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._thread.join(10)
        self._server.close()


def persona(clock: Callable[[], Moment] = lambda: MOMENT) -> Persona:
    return Persona.of("facelock", "sim1", 7, clock)


EARLY, LATER = 9, 5


def of_a_whole_door(folder: Path) -> list[tuple[int, bytes]]:
    listening = Listening()
    section = MqttSection(host="127.0.0.1", port=listening.port, protocol="5")
    door = WholeDoor(persona(), folder, Broker(section, "edge-door-sim1"), Tally())
    for _ in range(EARLY):
        door.happen()

    def reached(count: int) -> bool:
        door.turn()
        return listening.events() >= count

    until(lambda: reached(EARLY))
    for _ in range(LATER):
        door.happen()
    until(lambda: reached(EARLY + LATER))
    heard = list(listening.heard)
    door.close()
    listening.close()
    return heard


def of_a_thin_door(folder: Path) -> list[tuple[int, bytes]]:
    listening = Listening()
    door = ThinDoor(persona(), folder / "anchor", Tally())

    async def visit() -> list[tuple[int, bytes]]:
        async def reached(count: int) -> None:
            await asyncio.to_thread(until, lambda: listening.events() >= count)

        for _ in range(EARLY):
            door.happen()
        task = asyncio.create_task(keep_connected(door, "127.0.0.1", listening.port, None, 0.0))
        await reached(EARLY)
        for _ in range(LATER):
            door.happen()
        await reached(EARLY + LATER)
        heard = list(listening.heard)
        task.cancel()
        door.leave()
        await asyncio.gather(task, return_exceptions=True)
        return heard

    heard = asyncio.run(asyncio.wait_for(visit(), 20))
    listening.close()
    return heard


def test_a_thin_door_sends_the_very_bytes_of_a_whole_one(tmp_path: Path) -> None:
    """Connect, subscriptions, greeting, late and live events: all but the packets' numbers."""
    whole, thin = of_a_whole_door(tmp_path / "whole"), of_a_thin_door(tmp_path)
    assert len(whole) > EARLY + LATER + 5
    for one, other in zip(whole, thin, strict=True):
        assert one == other


def test_a_connection_that_breaks_before_the_greeting_is_over_is_counted_once(
    tmp_path: Path,
) -> None:
    listening, tally = Listening(), Tally()

    class Interrupted(WholeDoor):
        @override
        def _greet(self, connection: Connection) -> None:
            listening.hang_up()
            while True:
                super()._greet(connection)
                connection.poll(0.01)

    section = MqttSection(host="127.0.0.1", port=listening.port, protocol="5")
    door = Interrupted(persona(), tmp_path, Broker(section, "edge-door-sim1"), tally)
    door.turn()
    assert (tally.connected, tally.connects, tally.lost) == (0, 1, 1)
    door.close()
    listening.close()


def test_a_thin_door_that_was_not_welcomed_yet_leaves_without_a_word(tmp_path: Path) -> None:
    door, silent = ThinDoor(persona(), tmp_path / "anchor", tally := Tally()), _silent()

    async def visit() -> bytes:
        port = int(silent.getsockname()[1])
        task = asyncio.create_task(keep_connected(door, "127.0.0.1", port, None, 0.0))
        peer, _ = await asyncio.to_thread(silent.accept)
        with peer:
            heard = await asyncio.to_thread(peer.recv, 65536)
            door.leave()
            heard += await asyncio.to_thread(_rest, peer)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return heard

    heard = asyncio.run(asyncio.wait_for(visit(), 20))
    silent.close()
    assert [head >> 4 for head, _ in packets.split(bytearray(heard))] == [1]
    assert (tally.connected, tally.connects, tally.lost) == (0, 0, 0)


def _silent() -> socket.socket:
    """Takes a client, and never answers."""
    return socket.create_server(("127.0.0.1", 0))


def _rest(peer: socket.socket) -> bytes:
    """All that comes until the other side hangs up."""
    heard = b""
    with contextlib.suppress(ConnectionError):
        while data := peer.recv(65536):
            heard += data
    return heard


@pytest.mark.parametrize(
    "given",
    [("--prefix", "a/b"), ("--prefix", ""), ("--prefix", "a" * 64), ("--rate", "inf")],
)
def test_what_no_door_could_be_or_do_is_refused(given: tuple[str, str]) -> None:
    asked = ["simulate", "--broker", "mqtt://127.0.0.1:1", "--seconds", "0", *given]
    assert edge_door(*asked).returncode == 2


def test_another_seed_is_another_story_and_the_same_seed_the_same() -> None:
    def story(seed: int) -> list[Any]:
        door = Persona.of("facelock", "sim1", seed, lambda: MOMENT)
        return [door.happens() for _ in range(40)]

    assert story(1) == story(1)
    assert story(1) != story(2)
    assert {event.kind.value for event in story(1)} >= {"access", "door"}


def verified(reader: Reader, device: str) -> int:
    """How many events of a door came, each once after dedupe, every link recomputed."""
    bodies: dict[int, dict[str, Any]] = {}
    for message in list(reader.messages):
        if message.topic.startswith(f"facelock/{device}/event"):
            body = json.loads(message.payload)
            assert bodies.setdefault(body["seq"], body)["chain"] == body["chain"]
    chain = genesis(device)
    for number in range(1, len(bodies) + 1):
        body = bodies[number]
        chain = chained(chain, number, body["boot"], body["body"])
        assert chain == body["chain"]
    return len(bodies)


@needs_mosquitto
@pytest.mark.parametrize("run", [run_whole, run_thin])
def test_every_event_of_every_door_arrives_though_the_broker_is_killed(
    tmp_path: Path, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("thin", "whole"):
        monkeypatch.setattr(f"edge.fleet.simulate.{module}.Backoff", QuickBackoff)
    mosquitto = Mosquitto(tmp_path).start()
    reader = Reader(mosquitto.port)
    fleet = Fleet(broker_at(f"mqtt://127.0.0.1:{mosquitto.port}"), 4, 40.0, None, 1, tmp_path)
    tally, stop = Tally(), threading.Event()
    thread = threading.Thread(target=run, args=(fleet, stop, tally, lambda _: None))
    thread.start()
    try:
        until(lambda: tally.connected == 4 and tally.acknowledged > 20)
        mosquitto.kill()
        until(lambda: tally.connected == 0)
        mosquitto.start()
        until(lambda: tally.connected == 4 and tally.connects >= 8, 30)
        until(reader.client.is_connected, 30)
        before = tally.happened
        until(lambda: tally.happened > before + 20 and tally.acknowledged > before + 20, 30)
        for number in range(1, 5):
            topic, body = f"facelock/sim{number}/confirm", {"sequence": 0, "chain": ""}
            reader.client.publish(topic, json.dumps(body | {"resend_from": 1}), 1)
        devices = [f"sim{number}" for number in range(1, 5)]
        until(lambda: sum(newest(reader, device) for device in devices) > before, 30)
        until(lambda: all(whole(reader, device) for device in devices), 30)
        assert sum(verified(reader, device) for device in devices) > before
    finally:
        stop.set()
        thread.join(20)
        reader.close()
        mosquitto.kill()


@needs_mosquitto
@pytest.mark.parametrize("run", [run_whole, run_thin])
def test_each_door_comes_with_a_certificate_of_its_own(tmp_path: Path, run: Any) -> None:
    """At the shipped broker, which would refuse whatever is not below the door's own name."""
    shipped = place(tmp_path).start()
    section = broker_at(f"mqtts://127.0.0.1:{shipped.port}")
    fleet = Fleet(section, 3, 20.0, None, 1, tmp_path / "doors", pki=shipped.pki)
    tally, stop = Tally(), threading.Event()
    thread = threading.Thread(target=run, args=(fleet, stop, tally, lambda _: None))
    thread.start()
    try:
        until(lambda: tally.connected == 3 and tally.acknowledged > 10, 30)
    finally:
        stop.set()
        thread.join(20)
        shipped.mosquitto.kill()
    said = (shipped.folder / "mosquitto.log").read_text()
    answers = set(re.findall(r"Sending PUBACK to \S+ \(m\d+, rc(\d+)\)", said))
    assert answers == {"16"}  # taken, and nobody is subscribed; a refusal would be 135
    assert [each.name for each in shipped.authority.issued()] == ["main", "sim1", "sim2", "sim3"]


def newest(reader: Reader, device: str) -> int:
    return max(numbers(reader, device), default=0)


def whole(reader: Reader, device: str) -> bool:
    found = numbers(reader, device)
    return bool(found) and found == set(range(1, max(found) + 1))


def numbers(reader: Reader, device: str) -> set[int]:
    prefix = f"facelock/{device}/event"
    return {
        json.loads(message.payload)["seq"]
        for message in list(reader.messages)
        if message.topic.startswith(prefix)
    }


class QuickBackoff:
    def next(self) -> float:
        return 0.1

    def reset(self) -> None:
        pass


def test_confirmed_events_are_forgotten_and_the_rest_goes_again(tmp_path: Path) -> None:
    door = ThinDoor(persona(now), tmp_path / "anchor", tally := Tally())
    sent: list[bytes] = []

    class Transport(asyncio.Transport):
        @override
        def write(self, data: Any) -> None:
            sent.append(bytes(data))

    async def talk() -> None:
        door.connection_made(Transport())
        door.data_received(bytes.fromhex("2003000000"))
        for _ in range(6):
            door.happen()
        greeting = len(sent) - 6
        for _ in range(greeting - 2 + 6):  # neither connect nor subscribe is acknowledged so
            door.data_received(packets.acknowledge(1))
        sent.clear()
        confirm = replace(
            door._persona.topics.available(online=True),
            topic="facelock/sim1/confirm",
            payload=json.dumps({"sequence": 4, "chain": "a" * 64, "resend": True}).encode(),
            retain=False,
        )
        door.data_received(packets.publish(9, confirm))

    asyncio.run(talk())
    heads = [packets.split(bytearray(packet))[0] for packet in sent]
    events = [packets.read_publish(*each) for each in heads if each[0] >> 4 == 3]
    assert [json.loads(payload)["seq"] for _, _, payload in events] == [5, 6]
    assert {topic for topic, _, _ in events} == {"facelock/sim1/event/replay"}
    assert (tally.confirmed, tally.acknowledged) == (4, 6)
