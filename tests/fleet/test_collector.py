"""The collector against a real broker and both databases: every event once, in order, its chain
checked; what is missing is asked for; what is wrong is an alarm."""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from edge.errors import DatabaseError
from edge.fleet.collector.news import News
from edge.link.topics import Topics
from tests.fleet.parts import BASE, chains, door, raised, running, standing, stored
from tests.support.link_parts import Device, Mosquitto, needs_mosquitto, until

pytestmark = needs_mosquitto
TOPICS = Topics(BASE, "door1")


@pytest.fixture
def publisher(broker: Mosquitto) -> Iterator[Client]:
    client = Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    until(client.is_connected)
    yield client
    client.disconnect()
    client.loop_stop()


def payloads(device: Device, after: int = 0) -> list[dict[str, Any]]:
    """A door's events as they go over the wire."""
    stored_events = device.ledger.events(after=after, limit=1000)
    return [json.loads(TOPICS.event(event, replayed=False).payload) for event in stored_events]


def publish(client: Client, body: dict[str, Any]) -> None:
    client.publish(TOPICS.at("event"), json.dumps(body), 1).wait_for_publish(10)


def of_ledger(device: Device) -> list[tuple[int, str]]:
    return [(event.sequence, event.chain) for event in device.ledger.events(limit=10_000)]


def test_every_event_is_stored_once_and_confirmed(
    address: str, device: Device, broker: Mosquitto
) -> None:
    with running(address, broker.port) as database:
        device.append(3, {"lock": "LOCKED"})
        device.start()
        until(lambda: len(chains(database)) == 3)
        device.append(40)
        until(lambda: len(chains(database)) == 43)
        until(lambda: device.outbox.watermarks().confirmed == 43)
        assert chains(database) == of_ledger(device)
        until(lambda: door(database).available == "online")
        device.stop()
        until(lambda: door(database).available == "offline")
        assert raised(database) == []


def test_two_collectors_side_by_side_store_each_event_once(
    address: str, device: Device, broker: Mosquitto
) -> None:
    with running(address, broker.port, "a") as database, running(address, broker.port, "b"):
        device.start()
        for _ in range(10):
            device.append(10)
        until(lambda: device.outbox.watermarks().confirmed == 100)
        assert chains(database) == of_ledger(device)
        assert door(database).whole == 100


def test_a_collector_that_was_away_gets_all_of_it(
    address: str, device: Device, broker: Mosquitto
) -> None:
    with running(address, broker.port) as database:
        device.append(5)
        device.start()
        until(lambda: device.outbox.watermarks().confirmed == 5)
    device.append(30)  # the broker takes them, and nobody listens
    until(lambda: device.outbox.watermarks().delivered == 35)
    with running(address, broker.port) as database:
        until(lambda: len(chains(database)) == 35)
        until(lambda: device.outbox.watermarks().confirmed == 35)
        assert chains(database) == of_ledger(device)


def test_events_in_the_wrong_order_are_asked_for_again(
    address: str, device: Device, broker: Mosquitto, publisher: Client
) -> None:
    device.append(4)
    bodies = payloads(device)
    with running(address, broker.port) as database:
        publish(publisher, bodies[0])
        until(lambda: len(chains(database)) == 1)
        publish(publisher, bodies[3])
        until(lambda: door(database).gap_since is not None)
        device.start()  # hears that it is to send again
        until(lambda: len(chains(database)) == 4)
        assert door(database).gap_since is None
        assert raised(database) == []


def test_a_forged_event_is_an_alarm_and_the_true_one_is_still_taken(
    address: str, device: Device, broker: Mosquitto, publisher: Client
) -> None:
    device.append(2)
    bodies = payloads(device)
    forged = {**bodies[0], "body": bodies[0]["body"].replace("Ada", "Eve")}
    with running(address, broker.port) as database:
        publish(publisher, forged)
        until(lambda: standing(database) == [("door1", "chain_broken")])
        assert chains(database) == []
        publish(publisher, bodies[0])
        publish(publisher, bodies[1])
        until(lambda: len(chains(database)) == 2)
        assert raised(database) == ["chain_broken"]
        assert standing(database) == []  # over, and still to be acknowledged


def test_a_ledger_begun_anew_is_an_alarm(
    address: str, device: Device, broker: Mosquitto, publisher: Client, tmp_path: Path
) -> None:
    device.append(3)
    with running(address, broker.port) as database:
        for body in payloads(device):
            publish(publisher, body)
        until(lambda: len(chains(database)) == 3)
        (tmp_path / "other").mkdir()
        other = Device(tmp_path / "other", broker.port)
        other.append(1)
        publish(publisher, payloads(other)[0])
        other.close()
        until(lambda: standing(database) == [("door1", "chain_broken")])
        assert chains(database) == of_ledger(device)


def test_events_that_the_door_no_longer_has_become_a_gap(
    address: str,
    device: Device,
    broker: Mosquitto,
    publisher: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edge.fleet.collector.intake.GAP_PATIENCE_S", 0.0)
    device.append(5)
    with running(address, broker.port) as database:
        publish(publisher, payloads(device)[2])
        until(lambda: raised(database) == ["gap"])
        for body in payloads(device, after=3):
            publish(publisher, body)
        until(lambda: len(chains(database)) == 3)
        assert chains(database) == of_ledger(device)[2:]


@pytest.mark.parametrize("whose", ["own", "other"])
def test_signed_heads_are_checked_with_the_key_first_seen(
    address: str, device: Device, broker: Mosquitto, publisher: Client, whose: str
) -> None:
    keys = {name: Ed25519PrivateKey.generate() for name in ("own", "other")}
    raw = keys["own"].public_key().public_bytes_raw()
    device.append(1)
    (body,) = payloads(device)
    said = json.dumps(["edge-door head", "door1", 1, body["chain"]], separators=(",", ":"))
    body["head"] = {
        "seq": 1,
        "chain": body["chain"],
        "key": hashlib.sha256(raw).digest()[:8].hex(),
        "sig": base64.b64encode(keys[whose].sign(said.encode())).decode(),
    }
    shown = {"device": "door1", "key": base64.b64encode(raw).decode()}
    with running(address, broker.port) as database:
        publisher.publish(TOPICS.at("audit_key"), json.dumps(shown), 1, retain=True)
        until(lambda: door(database) is not None and door(database).audit_key)
        publish(publisher, body)
        until(lambda: len(chains(database)) == 1)
        if whose == "own":
            until(lambda: door(database).signed == 1)
            assert standing(database) == []
        else:
            assert standing(database) == [("door1", "chain_broken")]
            assert door(database).signed == 0


def test_states_raise_and_clear_alarms(address: str, broker: Mosquitto, publisher: Client) -> None:
    with running(address, broker.port) as database:
        publisher.publish(TOPICS.at("door/held"), b"ON", 1, retain=True)
        until(lambda: standing(database) == [("door1", "held")])
        publisher.publish(TOPICS.at("door/held"), b"OFF", 1, retain=True)
        until(lambda: standing(database) == [])
        assert json.loads(door(database).states) == {"door/held": "OFF"}


def test_nonsense_from_the_broker_is_left_out(
    address: str, device: Device, broker: Mosquitto, publisher: Client
) -> None:
    device.append(1)
    (body,) = payloads(device)
    with running(address, broker.port) as database:
        for bad in (
            b"",
            b"\xff\x00",
            b"[]",
            b"{}",
            json.dumps({**body, "seq": True}).encode(),
            json.dumps({**body, "chain": "zz"}).encode(),
            json.dumps({**body, "body": None}).encode(),
            json.dumps({**body, "body": "{}"}).encode(),
            json.dumps({**body, "boot": "\x00"}).encode(),
            json.dumps({**body, "head": {"seq": 1, "sig": "!"}}).encode(),
            b"[" * 5000,
        ):
            for rest in ("event", "metrics", "reported", "audit_key", "tamper", "command/answer"):
                publisher.publish(TOPICS.at(rest), bad, 1)
        publisher.publish(f"{BASE}/bad id/event", b"{}", 1)
        publish(publisher, body)
        until(lambda: len(chains(database)) == 1)
        assert stored(database) == 1


def test_a_database_that_comes_back(
    device: Device, broker: Mosquitto, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise DatabaseError("the disk is full")

    with running(f"sqlite:///{tmp_path}/f.db", broker.port) as database:
        device.start()
        until(lambda: door(database) and door(database).available == "online")
        with monkeypatch.context() as trouble:
            trouble.setattr(News, "write", full)
            device.append(5)
            until(lambda: device.outbox.watermarks().delivered == 5)
            time.sleep(0.2)
        until(lambda: device.outbox.watermarks().confirmed == 5)
        assert chains(database) == of_ledger(device)
