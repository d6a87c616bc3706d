"""The collector against a real broker and both databases: every event once, in order, its chain
checked; what is missing is asked for; what is wrong is an alarm."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import update
from typing_extensions import override

from edge.backoff import Backoff
from edge.errors import BrokerError, DatabaseError, UsageError
from edge.fleet.collector import process
from edge.fleet.collector.confirming import HOPELESS_AFTER, Confirming
from edge.fleet.collector.intake import Taken, Watermark
from edge.fleet.collector.metrics import CollectorMetrics
from edge.fleet.collector.news import News
from edge.fleet.collector.process import Collector, Settings, broker_of
from edge.fleet.database.database import Database
from edge.fleet.database.tables import devices
from edge.fleet.places import broker_at
from edge.link.arrivals import Received
from edge.link.reference import TOLD
from edge.link.topics import Topics
from tests.fleet.parts import BASE, chains, door, raised, running, standing, stored
from tests.fleet.site import Doors
from tests.support.link_parts import Device, Mosquitto, needs_mosquitto
from tests.support.waiting import until

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
        until(lambda: stored(database) == 3)
        device.append(40)
        until(lambda: stored(database) == 43)
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
        until(lambda: stored(database) == 35)
        until(lambda: device.outbox.watermarks().confirmed == 35)
        assert chains(database) == of_ledger(device)


def test_events_in_the_wrong_order_are_asked_for_again(
    address: str, device: Device, broker: Mosquitto, publisher: Client
) -> None:
    device.append(4)
    bodies = payloads(device)
    with running(address, broker.port) as database:
        publish(publisher, bodies[0])
        until(lambda: stored(database) == 1)
        publish(publisher, bodies[3])
        until(lambda: door(database).gap_since is not None)
        device.start()  # hears that it is to send again
        until(lambda: stored(database) == 4)
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
        until(lambda: stored(database) == 2)
        assert raised(database) == ["chain_broken"]
        assert standing(database) == []  # over, and still to be acknowledged


def test_a_ledger_begun_anew_is_an_alarm(
    address: str, device: Device, broker: Mosquitto, publisher: Client, tmp_path: Path
) -> None:
    device.append(3)
    with running(address, broker.port) as database:
        for body in payloads(device):
            publish(publisher, body)
        until(lambda: stored(database) == 3)
        (tmp_path / "other").mkdir()
        other = Device(tmp_path / "other", broker.port)
        other.append(1)
        publish(publisher, payloads(other)[0])
        other.close()
        until(lambda: standing(database) == [("door1", "chain_broken")])
        assert chains(database) == of_ledger(device)


def test_events_that_the_door_no_longer_has_become_a_gap(
    address: str, device: Device, broker: Mosquitto, publisher: Client
) -> None:
    device.append(5)
    with running(address, broker.port) as database:
        publisher.publish(TOPICS.at("reported"), b'{"first": 3}', 1, retain=True)
        until(lambda: door(database) is not None)
        for body in payloads(device, after=2):
            publish(publisher, body)
        until(lambda: stored(database) == 3)
        assert raised(database) == ["gap"]
        assert chains(database) == of_ledger(device)[2:]


def test_missing_events_are_given_up_only_after_answers() -> None:
    """However long it takes: a door that does not answer, or a new connection, proves nothing."""
    confirming = Confirming({}, 0.0)
    waiting, whole = Watermark(1, "a"), Watermark(9, "b")
    gap = Taken(confirm={"door1": waiting}, resend={"door1"}, went_on={"door1"})
    for step in range(HOPELESS_AFTER):
        for _ in range(5):  # more of the same without being asked again
            confirming.taken(gap)
        assert confirming.hopeless() == frozenset()
        asked = [word for word in confirming.due(1000.0 * step) if word.resend]
        assert [word.mark for word in asked] == [waiting]
    confirming.taken(gap)
    assert confirming.hopeless() == {"door1"}
    confirming.taken(Taken(confirm={"door1": whole}))
    assert confirming.hopeless() == frozenset()


def test_what_happens_meanwhile_is_no_answer() -> None:
    """It may stand in the broker's queue before the answer, while a collector is behind."""
    confirming = Confirming({}, 0.0)
    live = Taken(confirm={"door1": Watermark(1, "a")}, resend={"door1"})
    for step in range(2 * HOPELESS_AFTER):
        confirming.taken(live)
        assert list(confirming.due(1000.0 * step))
    assert confirming.hopeless() == frozenset()


def test_a_collector_restored_from_an_old_copy_gets_everything(
    device: Device, broker: Mosquitto, tmp_path: Path
) -> None:
    address, file = f"sqlite:///{tmp_path}/f.db", tmp_path / "f.db"
    device.start()
    with running(address, broker.port):
        device.append(5)
        until(lambda: device.outbox.watermarks().confirmed == 5)
    shutil.copy(file, tmp_path / "copy.db")
    with running(address, broker.port):
        device.append(20)
        until(lambda: device.outbox.watermarks().confirmed == 25)
    for left in tmp_path.glob("f.db*"):
        left.unlink()
    shutil.copy(tmp_path / "copy.db", file)
    with running(address, broker.port) as database:
        until(lambda: stored(database) == 25)
        assert chains(database) == of_ledger(device)
        assert device.outbox.watermarks().confirmed == 25  # it never falls


def test_a_collector_hears_doors_of_which_its_broker_kept_nothing(
    address: str,
    device: Device,
    broker: Mosquitto,
    publisher: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """RabbitMQ's nodes keep retained messages each for itself, and a collector may come to any."""
    monkeypatch.setattr("edge.fleet.collector.confirming.ABSENT_AFTER_S", 0.5)
    device.start()
    with running(address, broker.port):
        device.append(2)
        until(lambda: device.outbox.watermarks().confirmed == 2)
    device.append(3, {"lock": "LOCKED"})
    until(lambda: device.outbox.watermarks().delivered == 5)
    for topic in filter(lambda topic: topic.retained, TOLD):
        publisher.publish(TOPICS.at(topic.name), b"", 1, retain=True).wait_for_publish(10)
    with running(address, broker.port) as database:
        with database.writing() as writing:  # what it missed while it was away
            writing.execute(update(devices).values(available="offline", states="{}"))
        until(lambda: stored(database) == 5)
        until(lambda: door(database).available == "online")
        until(lambda: "lock/state" in json.loads(door(database).states))


def test_a_door_that_has_another_name_by_now_is_offline_under_this_one(database: Database) -> None:
    """It clears what it left: that is no sign of life, nor a state."""
    doors = Doors(database)
    doors.online("door1")
    for topic in filter(lambda topic: topic.retained, TOLD):
        doors.say("door1", topic.name, b"")
    assert door(database).available == "offline"
    assert json.loads(door(database).states)["lock/state"] == "LOCKED"


@pytest.mark.parametrize("events", [600, pytest.param(3600, marks=pytest.mark.slow)])
def test_an_hour_without_a_broker(
    address: str, device: Device, broker: Mosquitto, events: int
) -> None:
    """Ten events a minute, or one a second, told when the broker is back."""
    with running(address, broker.port) as database:
        device.start()
        until(lambda: door(database) is not None and door(database).available == "online")
        broker.kill()
        device.append(events)
        broker.start()
        until(lambda: stored(database) == events, 120)
        assert chains(database) == of_ledger(device)
        assert "gap" not in raised(database)


def test_a_hostile_broker_changes_nothing(database: Database, device: Device) -> None:
    """It drops, repeats, reorders and forges, seeded: what is stored is a beginning of the ledger,
    and once it behaves, the whole of it."""
    dice = random.Random(4)
    device.append(60)
    bodies = payloads(device)

    def bring(body: dict[str, Any]) -> None:
        news = News(BASE)
        news.hear(Received(TOPICS.at("event"), json.dumps(body).encode(), retained=False), 0.0)
        news.write(database, time.time())

    for _ in range(150):
        body = dict(dice.choice(bodies))
        forgery = dice.choice(("none", "none", "body", "chain", "seq", "boot"))
        if forgery == "body":
            body["body"] = body["body"].replace("Ada", "Eve")
        elif forgery == "chain":
            body["chain"] = f"{dice.getrandbits(256):064x}"
        elif forgery == "seq":
            body["seq"] = dice.randint(1, 100)
        elif forgery == "boot":
            body["boot"] = "other"
        bring(body)
        there = chains(database)
        assert there == of_ledger(device)[: len(there)]
    for body in bodies:
        bring(body)
    assert chains(database) == of_ledger(device)


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
        until(lambda: stored(database) == 1)
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
        until(lambda: stored(database) == 1)
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


def test_without_a_broker_it_speaks_of_the_doors_and_of_no_ledger_of_its_own(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database.open(f"sqlite:///{tmp_path}/fleet.db")
    broker = broker_of(broker_at("mqtt://127.0.0.1:1", base_topic=BASE), "a")
    stop = threading.Event()
    Collector(Settings(BASE, "a", 400), broker, database, CollectorMetrics()).serve(stop, stop.set)
    database.close()
    (said,) = [message for message in caplog.messages if "127.0.0.1:1" in message]
    assert said.endswith("Doors keep their events until then; trying again")


@pytest.mark.parametrize("name", ["", "a/b", "a+b", "a#", "a\nb", "a" * 65])
def test_a_name_that_no_topic_or_row_can_have_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="a collector's name has 1 to 64"):
        Settings(BASE, name, 400)


def test_who_was_connected_for_long_comes_back_as_soon_as_at_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, longest = threading.Event(), []

    class Watched(Backoff):
        @override
        def next(self) -> float:
            longest.append(self._bound_s)
            super().next()
            if len(longest) == 3:
                stop.set()
            return 0.0

    def breaks_off(*_: object) -> None:
        raise BrokerError("the connection is lost.")

    monkeypatch.setattr(process, "Backoff", Watched)
    monkeypatch.setattr(process, "STABLE_S", 0.0)
    database = Database.open(f"sqlite:///{tmp_path}/fleet.db")
    broker = broker_of(broker_at("mqtt://127.0.0.1:1", base_topic=BASE), "a")
    collector = Collector(Settings(BASE, "a", 400), broker, database, CollectorMetrics())
    monkeypatch.setattr(collector, "_visit", breaks_off)
    collector.serve(stop, lambda: None)
    database.close()
    assert longest == [2.0, 2.0, 2.0]
