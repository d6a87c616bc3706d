"""Home Assistant finds the door by itself: MQTT device discovery.

One retained message describes the device and all of its entities. Home Assistant drops unknown
keys without a word, and does not hand `qos` down from the device to its components.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from edge.link.payloads import as_json
from edge.link.topics import EVENT_TYPES, Message

if TYPE_CHECKING:
    from edge.config.sections import DeviceSection
    from edge.link.topics import Topics

METRICS_EVERY_S = 30.0
"""How often figures are sent; the sensors made of them are unknown after four misses."""


def config_topic(prefix: str, device: str) -> str:
    """Where the announcement is kept."""
    return f"{prefix}/device/facelock_{device}/config"


def status_topic(prefix: str) -> str:
    """Where Home Assistant says `online` after a start: announce again."""
    return f"{prefix}/status"


def announcement(prefix: str, device: DeviceSection, topics: Topics) -> Message:
    """The device and its entities, retained."""
    body = {
        "device": {
            "identifiers": [f"facelock_{device.id}"],
            "name": device.name,
            "manufacturer": "edge-door",
            "model": "Face door",
            "sw_version": version("edge-door"),
        },
        "origin": {"name": "edge-door", "sw_version": version("edge-door")},
        "availability": [{"topic": topics.at("availability")}],
        "components": {
            key: {**entity, "unique_id": f"facelock_{device.id}_{key}", "qos": 1}
            for key, entity in _entities(topics).items()
        },
    }
    return Message(config_topic(prefix, device.id), as_json(body), retain=True)


def withdrawal(prefix: str, device: str) -> Message:
    """An empty announcement: Home Assistant removes the device."""
    return Message(config_topic(prefix, device), b"", retain=True)


def _entities(topics: Topics) -> dict[str, dict[str, Any]]:
    # What hangs on the relay guard is unavailable with it; events, figures and the camera are not.
    guarded = {
        "availability": [
            {"topic": topics.at("availability")},
            {"topic": topics.at("lock/availability")},
        ],
        "availability_mode": "all",
    }
    diagnostic = {"entity_category": "diagnostic"}
    return {
        "lock": {
            "platform": "lock",
            "name": None,
            "state_topic": topics.at("lock/state"),
            "command_topic": topics.lock_set,
            "optimistic": False,
            "retain": False,
            **guarded,
        },
        "access": {
            "platform": "event",
            "name": "Access",
            "state_topic": topics.at("event"),
            "event_types": list(EVENT_TYPES),
        },
        "contact": _binary("Door", "door", topics.at("door/contact")) | guarded,
        "forced": _binary("Forced open", "safety", topics.at("door/forced")) | guarded,
        "held": _binary("Held open", "problem", topics.at("door/held")) | guarded,
        "tamper": _binary("Tamper", "tamper", topics.at("tamper")) | guarded,
        "camera": _binary("Camera", "problem", topics.at("camera/problem")) | diagnostic,
        "instruction": {
            "platform": "sensor",
            "name": "Challenge",
            "state_topic": topics.at("instruction"),
        },
        "reason": {
            "platform": "sensor",
            "name": "Last reason",
            "state_topic": topics.at("event"),
            "value_template": "{{ value_json.reason }}",
            **diagnostic,
        },
        "latency": {
            "platform": "sensor",
            "name": "Decision latency",
            "device_class": "duration",
            "unit_of_measurement": "ms",
            "state_class": "measurement",
            "state_topic": topics.at("metrics"),
            "value_template": "{{ value_json.decision_ms | default(None) }}",
            "expire_after": int(4 * METRICS_EVERY_S),
            **diagnostic,
        },
    }


def _binary(name: str, device_class: str, topic: str) -> dict[str, Any]:
    return {
        "platform": "binary_sensor",
        "name": name,
        "device_class": device_class,
        "state_topic": topic,
    }
