"""A door that is called otherwise clears what it left under its name of before, and no more."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from edge.config import parse
from edge.link.arrivals import Acknowledged
from edge.link.former import Former, Name, names_before
from edge.link.payloads import AuditKey, to_json
from edge.ops.doctor.system import left_behind
from tests.support.link_parts import Device, FakeSight, Mosquitto, Reader, needs_mosquitto
from tests.support.waiting import until

if TYPE_CHECKING:
    from pathlib import Path

    from edge.config import Config
    from edge.link.topics import Message

OURS, ANOTHERS = b"k" * 32, b"x" * 32


def called(folder: Path, device: str = "front", **mqtt: str) -> Config:
    tables = {"device": {"id": device}, "paths": {"state": str(folder)}}
    config = parse({**tables, "mqtt": {"host": "broker", **mqtt}}, "test")
    config.names.parent.mkdir(exist_ok=True)
    return config


class Line:
    """A connection that notes what it is given."""

    def __init__(self) -> None:
        self.published: list[Message] = []
        self.heard: list[str] = []

    def publish(self, message: Message) -> int:
        self.published.append(message)
        return len(self.published)

    def subscribe(self, topics: list[str], *, retained: bool = False) -> None:
        assert retained
        self.heard += topics

    def greeted(self, config: Config, key: bytes = OURS) -> Former:
        former = Former(config)
        former.greet(self, key)  # type: ignore[arg-type]
        return former

    def stands(self, former: Former, topic: str, key: bytes) -> bool:
        said = to_json(AuditKey("front", base64.b64encode(key).decode()))
        return former.hear(topic, said, self)  # type: ignore[arg-type]


def test_what_is_its_own_is_cleared_the_key_last_and_once(tmp_path: Path) -> None:
    Line().greeted(called(tmp_path))
    renamed, line = called(tmp_path, "back"), Line()
    former = line.greeted(renamed, ANOTHERS)  # whose ledger began anew with the id
    assert line.heard == ["facelock/front/audit_key"]
    assert line.published == []
    assert line.stands(former, "facelock/front/audit_key", OURS)
    assert {(m.payload, m.retain) for m in line.published} == {(b"", True)}
    topics = [message.topic for message in line.published]
    assert topics == Name.of(called(tmp_path)).retained
    assert "homeassistant/device/facelock_front/config" in topics
    assert names_before(renamed)
    former.acknowledged(Acknowledged(len(topics), topics[-1], "", too_large=False))
    assert not names_before(renamed)


def test_a_name_that_is_another_doors_by_now_is_left_alone(tmp_path: Path) -> None:
    Line().greeted(called(tmp_path))
    line = Line()
    former = line.greeted(called(tmp_path, "back"))
    assert line.stands(former, "facelock/front/audit_key", ANOTHERS)
    assert line.published == []
    assert not names_before(called(tmp_path, "back"))


def test_what_the_broker_refuses_is_tried_again_and_doctor_says_so(tmp_path: Path) -> None:
    Line().greeted(called(tmp_path))
    renamed, line = called(tmp_path, base_topic="home"), Line()
    former = line.greeted(renamed)
    line.stands(former, "facelock/front/audit_key", OURS)
    topics = [message.topic for message in line.published]
    assert "homeassistant/device/facelock_front/config" not in topics  # announced anew
    former.acknowledged(Acknowledged(len(topics), topics[-1], "Not authorized", too_large=False))
    check = left_behind(renamed)
    assert check is not None
    assert "under facelock/front/" in check.sentence
    again = Line()
    again.greeted(renamed)
    assert again.heard == ["facelock/front/audit_key"]


def test_another_prefix_of_home_assistants_alone_takes_its_device_away(tmp_path: Path) -> None:
    Line().greeted(called(tmp_path))
    line = Line()
    line.greeted(called(tmp_path, discovery_prefix="ha"))
    assert [m.topic for m in line.published] == ["homeassistant/device/facelock_front/config"]


@pytest.mark.parametrize("text", ["", "{", '[{"base": 1}]', "[" * 9999])
def test_a_damaged_list_clears_nothing(tmp_path: Path, text: str) -> None:
    config = called(tmp_path)
    config.names.write_text(text)
    line = Line()
    line.greeted(config)
    assert (line.heard, line.published) == ([], [])
    (kept,) = json.loads(config.names.read_text())
    assert Name(**kept) == replace(Name.of(config), key=base64.b64encode(OURS).decode())


@needs_mosquitto
def test_a_real_broker_keeps_nothing_under_the_name_of_before(tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path).start()
    device = Device(tmp_path, broker.port)
    reader, sight = Reader(broker.port), FakeSight(device.config.sight_socket)
    try:
        device.append()
        device.start()
        until(lambda: reader.of("reported"))
        device.stop()
        mqtt = device.config.mqtt.model_copy(update={"base_topic": "home"})
        device.config = device.config.model_copy(update={"mqtt": mqtt})
        device.start()
        until(lambda: reader.of("audit_key")[-1] == b"")
        until(lambda: not names_before(device.config))
        late = Reader(broker.port)
        until(lambda: any(m.topic == "home/door1/reported" for m in list(late.messages)))
        assert not [m.topic for m in late.messages if m.topic.startswith("facelock/")]
        late.close()
    finally:
        sight.close()
        reader.close()
        device.close()
        broker.kill()
