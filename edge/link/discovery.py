"""Home Assistant finds the door by itself: MQTT device discovery.

One retained message describes the device and all of its entities. Home Assistant drops unknown
keys without a word, and does not hand `qos` down from the device to its components.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import TYPE_CHECKING

from edge.config.seeing import Level
from edge.link.payloads import as_json
from edge.link.topics import ACCESS_TYPES, Message

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.config import Config
    from edge.link.topics import Topics

_DIAGNOSTIC = {"entity_category": "diagnostic"}
METRICS_EVERY_S = 30.0
"""How often figures are sent; the sensors made of them are unknown after four misses."""


def config_topic(prefix: str, device: str) -> str:
    """Where the announcement is kept."""
    return f"{prefix}/device/facelock_{device}/config"


def status_topic(prefix: str) -> str:
    """Where Home Assistant says `online` after a start: announce again."""
    return f"{prefix}/status"


def announcement(config: Config, topics: Topics) -> Message:
    """The device and the entities of what is fitted, retained."""
    device, prefix = config.device, config.mqtt.discovery_prefix
    entities = _entities(config, topics)
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
            for key, entity in entities.items()
        }
        | _removed(entities),
    }
    return Message(config_topic(prefix, device.id), as_json(body), retain=True)


def withdrawal(prefix: str, device: str) -> Message:
    """An empty announcement: Home Assistant removes the device."""
    return Message(config_topic(prefix, device), b"", retain=True)


def _removed(entities: Mapping[str, object]) -> dict[str, dict[str, str]]:
    """A platform alone takes away what an earlier announcement had and what is not fitted now."""
    known = {
        "lock": "lock",  # of versions whose lock had a button that opened nothing
        **dict.fromkeys(("contact", "forced", "held", "tamper"), "binary_sensor"),
        "instruction": "sensor",
        "face": "image",
    }
    return {key: {"platform": kind} for key, kind in known.items() if key not in entities}


def _entities(config: Config, topics: Topics) -> dict[str, dict[str, object]]:
    return {
        **_bolt(topics),
        **_fitted(config, topics),
        **_access(topics),
        **_diagnostics(topics),
    }


def _guarded(topics: Topics) -> dict[str, object]:
    """What hangs on the relay guard is unavailable with it; events and the camera are not."""
    places = ("availability", "lock/availability")
    topics_of = [{"topic": topics.at(place)} for place in places]
    return {"availability": topics_of, "availability_mode": "all"}


def _bolt(topics: Topics) -> dict[str, dict[str, object]]:
    """The lock's state, and the one order that needs no signature.

    Not Home Assistant's `lock`: it always offers to unlock, which nothing unsigned does here.
    """
    state = topics.at("lock/state")
    bolt = _binary(None, "lock", state) | _guarded(topics)
    jam = _binary("Lock fault", "problem", state) | _guarded(topics)
    return {
        "bolt": bolt
        | {
            "value_template": "{{ {'LOCKED': 'OFF', 'None': 'None'}.get(value, 'ON') }}",
        },
        "jam": jam
        | {
            "value_template": "{{ {'JAMMED': 'ON', 'None': 'None'}.get(value, 'OFF') }}",
            **_DIAGNOSTIC,
        },
        "lock_now": {
            "platform": "button",
            "name": "Lock now",
            "command_topic": topics.lock_set,
            "payload_press": "LOCK",
            "retain": False,
            **_guarded(topics),
        },
    }


def _fitted(config: Config, topics: Topics) -> dict[str, dict[str, object]]:
    """Inputs that have a line, and the challenge where one may be asked."""
    guarded, found = _guarded(topics), {}
    if config.door.contact.pin is not None:
        found["contact"] = _binary("Door", "door", topics.at("door/contact")) | guarded
        found["forced"] = _binary("Forced open", "safety", topics.at("door/forced")) | guarded
        found["held"] = _binary("Held open", "problem", topics.at("door/held")) | guarded
    if config.door.tamper.pin is not None:
        found["tamper"] = _binary("Tamper", "tamper", topics.at("tamper")) | guarded
    if config.liveness.level is not Level.BLINK:
        found["instruction"] = _sensor("Challenge", topics.at("instruction"))
    if config.mqtt.last_face:
        found["face"] = {
            "platform": "image",
            "name": "Last attempt",
            "image_topic": topics.at("last_face"),
            "content_type": "image/jpeg",
        }
    return found


def _access(topics: Topics) -> dict[str, dict[str, object]]:
    """Who came and what became of it. The door's, people's and system's events are not among it."""
    outcomes = ", ".join(f"'{outcome}'" for outcome in ACCESS_TYPES)
    ours = f"value_json.event_type in [{outcomes}]"
    return {
        "access": {
            "platform": "event",
            "name": "Access",
            "state_topic": topics.at("event"),
            "event_types": list(ACCESS_TYPES),
            # An empty payload is no event.
            "value_template": f"{{{{ value if {ours} else '' }}}}",
        },
        "person": _of_event(topics, "Last person", "(value_json.person or 'nobody known')", ours),
        "reason": _of_event(topics, "Last reason", "value_json.reason", ours) | _DIAGNOSTIC,
    }


def _of_event(topics: Topics, name: str, value: str, ours: str) -> dict[str, object]:
    """A sensor that keeps its state when another kind of event comes."""
    template = f"{{{{ {value} if {ours} else this.state }}}}"
    return _sensor(name, topics.at("event")) | {"value_template": template}


def _diagnostics(topics: Topics) -> dict[str, dict[str, object]]:
    latency = {
        "device_class": "duration",
        "unit_of_measurement": "ms",
        "state_class": "measurement",
        "value_template": "{{ value_json.decision_ms | default(None) }}",
        "expire_after": int(4 * METRICS_EVERY_S),
    }
    camera = _binary("Camera", "problem", topics.at("camera/problem"))
    firmware = {"value_template": "{{ value_json.version }}"}
    return {
        "camera": camera | _DIAGNOSTIC,
        "firmware": _sensor("Firmware", topics.at("reported")) | firmware | _DIAGNOSTIC,
        "latency": _sensor("Decision latency", topics.at("metrics")) | latency | _DIAGNOSTIC,
    }


def _sensor(name: str, topic: str) -> dict[str, object]:
    return {"platform": "sensor", "name": name, "state_topic": topic}


def _binary(name: str | None, device_class: str, topic: str) -> dict[str, object]:
    return {
        "platform": "binary_sensor",
        "name": name,
        "device_class": device_class,
        "state_topic": topic,
    }
