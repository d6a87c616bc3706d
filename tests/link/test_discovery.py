"""What Home Assistant is told: its rules, and its own schemas where it is installed."""

from __future__ import annotations

import copy
import importlib
import json
import re
from types import SimpleNamespace
from typing import Any

import jinja2
import pytest

from edge.config import Config, parse
from edge.link.discovery import announcement, status_topic, withdrawal
from edge.link.topics import ACCESS_TYPES, DoorState, Topics

NAME = 'Front "door" \N{DOOR}'


def configured(device: str = "door1", **tables: Any) -> Config:
    fitted = {"contact": {"pin": 22}, "tamper": {"pin": 23}}
    given = {"door": fitted, "mqtt": {"last_face": True}} | tables
    return parse({"device": {"id": device, "name": NAME}, **given}, "test")


TOPICS = Topics("facelock", "door1")
MESSAGE = announcement(configured(), TOPICS)
BODY: dict[str, Any] = json.loads(MESSAGE.payload)
PRESENT: dict[str, dict[str, Any]] = BODY["components"]
COMPONENTS = {key: entity for key, entity in PRESENT.items() if len(entity) > 1}
"""Without those that are only taken away."""

RETAINED_STATES = {message.topic for message in TOPICS.states(DoorState())}
PUBLISHED = RETAINED_STATES | {
    TOPICS.at("availability"),
    TOPICS.at("event"),
    TOPICS.at("metrics"),
    TOPICS.last_face(b"").topic,
    TOPICS.at("reported"),
}


def topics_in(value: Any) -> set[tuple[str, str]]:
    """Every key that names a topic, with the topic."""
    if isinstance(value, list):
        return set().union(*map(topics_in, value))
    if not isinstance(value, dict):
        return set()
    found = {(key, topic) for key, topic in value.items() if key.endswith("topic")}
    return found.union(*map(topics_in, value.values()))


class TestRules:
    def test_one_retained_message_on_the_devices_topic(self) -> None:
        assert MESSAGE.topic == "homeassistant/device/facelock_door1/config"
        assert re.fullmatch(r"\w+/device/[a-zA-Z0-9_-]+/config", MESSAGE.topic)
        assert (MESSAGE.retain, MESSAGE.qos) == (True, 1)
        assert status_topic("homeassistant") == "homeassistant/status"

    def test_an_empty_message_removes_the_device(self) -> None:
        gone = withdrawal("homeassistant", "door1")
        assert (gone.topic, gone.payload, gone.retain) == (MESSAGE.topic, b"", True)

    def test_the_device_has_what_is_required(self) -> None:
        assert BODY["device"]["identifiers"] == ["facelock_door1"]
        assert BODY["device"]["name"] == NAME
        assert BODY["origin"]["name"]
        assert BODY["availability"] == [{"topic": "facelock/door1/availability"}]

    def test_every_component_has_platform_identity_and_its_own_qos(self) -> None:
        for key, component in COMPONENTS.items():
            assert component["platform"] in {"button", "event", "binary_sensor", "sensor", "image"}
            assert component["unique_id"] == f"facelock_door1_{key}"
            assert component["qos"] == 1
        assert "qos" not in BODY

    def test_only_topics_that_are_published_or_heard(self) -> None:
        for key, topic in topics_in(BODY):
            if key == "command_topic":
                assert topic in TOPICS.heard
            else:
                assert topic in PUBLISHED

    def test_every_state_has_an_entity(self) -> None:
        used = {topic for _, topic in topics_in(BODY)}
        assert used >= PUBLISHED

    def test_only_what_works_is_offered(self) -> None:
        assert "lock" not in {entity["platform"] for entity in COMPONENTS.values()}
        bolt, button = COMPONENTS["bolt"], COMPONENTS["lock_now"]
        assert (bolt["device_class"], bolt["name"]) == ("lock", None)
        assert (button["command_topic"], button["payload_press"]) == (TOPICS.lock_set, "LOCK")
        for entity in (bolt, button, COMPONENTS["contact"]):
            assert entity["availability_mode"] == "all"
            assert {each["topic"] for each in entity["availability"]} == {
                TOPICS.at("availability"),
                TOPICS.at("lock/availability"),
            }

    def test_only_what_is_fitted_is_announced_and_the_rest_is_taken_away(self) -> None:
        bare = configured(door={}, mqtt={}, liveness={"level": "blink"})
        found = json.loads(announcement(bare, TOPICS).payload)["components"]
        for key in ("contact", "forced", "held", "tamper", "instruction", "face"):
            assert set(found[key]) == {"platform"}
            assert found[key]["platform"] == COMPONENTS[key]["platform"]
        assert PRESENT["lock"] == {"platform": "lock"}  # which offered to unlock

    def test_access_carries_access_alone(self) -> None:
        access = COMPONENTS["access"]
        assert access["state_topic"] == TOPICS.at("event")
        assert access["event_types"] == list(ACCESS_TYPES)
        assert TOPICS.at("event/replay") not in {topic for _, topic in topics_in(BODY)}
        for key in ("access", "person", "reason"):
            template = jinja2.Template(COMPONENTS[key]["value_template"])
            before = SimpleNamespace(state="as before")
            shown = [
                template.render(value="{}", value_json=event, this=before)
                for event in (
                    {"event_type": "door", "reason": "locked", "person": None},
                    {"event_type": "granted", "reason": "granted", "person": "Anna"},
                )
            ]
            assert shown[0] == ("" if key == "access" else "as before")
            assert shown[1] == {"access": "{}", "person": "Anna", "reason": "granted"}[key]

    @pytest.mark.parametrize(
        ("word", "unlocked", "jammed"),
        [
            ("LOCKED", "OFF", "OFF"),
            ("UNLOCKING", "ON", "OFF"),
            ("OPEN", "ON", "OFF"),
            ("JAMMED", "ON", "ON"),
            ("None", "None", "None"),
        ],
    )
    def test_the_lock_in_words(self, word: str, unlocked: str, jammed: str) -> None:
        for key, expected in (("bolt", unlocked), ("jam", jammed)):
            template = jinja2.Template(COMPONENTS[key]["value_template"])
            assert template.render(value=word) == expected

    def test_another_door_shares_nothing(self) -> None:
        other = announcement(configured("door2"), Topics("site/a", "door2"))
        assert other.topic != MESSAGE.topic
        assert b"door1" not in other.payload


# Its deprecations are its own affair.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
class TestHomeAssistantsSchemas:
    """Home Assistant drops unknown keys without a word: the check is that nothing is dropped."""

    @pytest.fixture(autouse=True)
    def home_assistant(self, monkeypatch: pytest.MonkeyPatch) -> None:
        pytest.importorskip(
            "homeassistant",
            reason="no Home Assistant here: in an environment with Python 3.13, "
            "pip install homeassistant==2025.4.4 paho-mqtt pydantic pytest pytest-timeout and, "
            "with --no-deps, edge-door itself; then "
            "pytest --noconftest tests/link/test_discovery.py",
        )
        # The schemas report their use to a running instance; there is none.
        for module in ("frame", "config_validation"):
            helpers = importlib.import_module(f"homeassistant.helpers.{module}")
            monkeypatch.setattr(helpers, "report_usage", lambda *_, **__: None, raising=False)

    def schema_of(self, module: str, name: str) -> Any:
        return getattr(importlib.import_module(f"homeassistant.components.mqtt.{module}"), name)

    def test_the_device_is_accepted_whole(self) -> None:
        accepted = self.schema_of("schemas", "DEVICE_DISCOVERY_SCHEMA")(copy.deepcopy(BODY))
        assert BODY.keys() - accepted.keys() == set()
        assert accepted["components"].keys() == PRESENT.keys()

    @pytest.mark.parametrize("key", COMPONENTS)
    def test_a_component_is_accepted_whole(self, key: str) -> None:
        component = copy.deepcopy(COMPONENTS[key])
        schema = self.schema_of(component.pop("platform"), "DISCOVERY_SCHEMA")
        for shared in ("device", "origin", "availability"):
            component.setdefault(shared, copy.deepcopy(BODY[shared]))
        assert component.keys() - schema(component).keys() == set()

    def test_the_topic_is_one_it_listens_to(self) -> None:
        matcher = self.schema_of("discovery", "TOPIC_MATCHER")
        assert matcher.match(MESSAGE.topic.removeprefix("homeassistant/")).groups() == (
            "device",
            None,
            "facelock_door1",
        )

    def test_a_wrong_key_would_be_noticed(self) -> None:
        component = {"command_topic": "a/b", "comand_typo": 1}
        accepted = self.schema_of("lock", "DISCOVERY_SCHEMA")(dict(component))
        assert component.keys() - accepted.keys() == {"comand_typo"}
