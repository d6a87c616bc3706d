"""Every topic, said once: the reference page and the JSON Schemas are made from this table."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge.access.command import MAX_REASON, MAX_VALID_S, NONCE
from edge.link.payloads import (
    AuditKey,
    CommandAnswer,
    ConfirmPayload,
    EventPayload,
    Reported,
    UpdateOffer,
    UpdateReported,
    schema,
)
from edge.names import MAX_NAME
from edge.roster.report import Report
from edge.vocabulary import Action

if TYPE_CHECKING:
    from edge.link.payloads import Payload

_SWITCH = ("ON", "OFF", "None")


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic below BASE/ID."""

    name: str
    says: str
    payload: type[Payload] | tuple[str, ...] | Mapping[str, object]
    """A JSON object's dataclass, the words it may be, or a schema of its own."""
    retained: bool = False
    qos: int = 1

    @property
    def schema(self) -> Mapping[str, object]:
        """JSON Schema of the payload; of the text where the payload is no JSON."""
        if isinstance(self.payload, tuple):
            return {"enum": list(self.payload)}
        return schema(self.payload) if isinstance(self.payload, type) else self.payload


TOLD = (
    Topic(
        "availability",
        "Whether somebody who comes is seen: link is connected, and sight answers.",
        ("online", "offline"),
        retained=True,
    ),
    Topic(
        "lock/availability",
        "Whether sight and the relay guard answer.",
        ("online", "offline"),
        retained=True,
    ),
    Topic(
        "lock/state",
        "The lock, in Home Assistant's words.",
        ("LOCKED", "UNLOCKING", "UNLOCKED", "OPEN", "JAMMED", "None"),
        retained=True,
    ),
    Topic("door/contact", "ON: the door is open.", _SWITCH, retained=True),
    Topic("door/forced", "ON: opened without a grant.", _SWITCH, retained=True),
    Topic("door/held", "ON: open for too long.", _SWITCH, retained=True),
    Topic("tamper", "ON: the case is open.", _SWITCH, retained=True),
    Topic("camera/problem", "ON: the camera is lost.", _SWITCH, retained=True),
    Topic(
        "instruction",
        "What a challenge asks for; empty when none runs.",
        {"type": "string"},
        retained=True,
    ),
    Topic("event", "What happens now.", EventPayload),
    Topic("event/replay", "What is delivered late, or once more.", EventPayload),
    Topic(
        "metrics",
        "The metrics of the moment.",
        {"type": "object", "additionalProperties": {"type": ["number", "null"]}},
        qos=0,
    ),
    Topic(
        "last_face",
        "The face of the last attempt, where `[mqtt] last_face` is set.",
        {"type": "string", "contentMediaType": "image/jpeg"},
        qos=0,
    ),
    Topic("reported", "What the device says of itself.", Reported, retained=True),
    Topic("audit_key", "The key that signs the events.", AuditKey, retained=True),
    Topic("command/answer", "What became of a signed command.", CommandAnswer),
    Topic("people/reported", "How far the list of people is.", Report, retained=True),
    Topic("update/reported", "How far the update on offer is.", UpdateReported, retained=True),
)
"""What a door publishes."""

_SIGNED = {
    "device": {"type": "string"},
    "action": {"enum": [action.value for action in Action]},
    "nonce": {"type": "string", "pattern": f"^{NONCE}$"},
    "counter": {"type": "integer", "description": "Higher than every one before."},
    "issued": {"type": "integer", "description": "Seconds since 1970."},
    "expires": {"type": "integer", "description": f"At most {MAX_VALID_S} s after `issued`."},
    "reason": {
        "type": "string",
        "maxLength": MAX_REASON,
        "description": "Why, for the record; may be empty.",
    },
    "key": {"type": "string", "description": "Base64 of the raw public key."},
    "signature": {"type": "string", "description": "Base64."},
}
_COMMAND = {
    "type": "object",
    "description": "Signed with Ed25519 over canonical JSON without `signature`.",
    "properties": _SIGNED,
    "required": list(_SIGNED),
    "additionalProperties": False,
}

_PEOPLE = {
    "type": "object",
    "description": "The list of people: signed by the people office; names its pages.",
    "properties": {
        "body": {"type": "string", "description": "Canonical JSON, as it was signed."},
        "signatures": {
            "type": "object",
            "description": "Base64 Ed25519 over `edge-door people ` and the body, by public key.",
            "additionalProperties": {"type": "string"},
        },
    },
}
_PAGE = {
    "type": "array",
    "description": "Canonical JSON; the topic is its SHA-256.",
    "items": {
        "type": "object",
        "properties": {
            "person": {"type": "string", "description": "Their number at the office."},
            "name": {"type": "string"},
            "envelope": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            "sealed": {"type": "integer", "description": "The list for which it was sealed."},
            "schedule": {"type": "array", "items": {"type": "string"}},
            "expires": {"type": ["number", "null"]},
        },
    },
}

HEARD = (
    Topic("lock/set", "LOCK locks now.", ("LOCK",)),
    Topic(
        "claim/set",
        "The name of the person at the door.",
        {"type": "string", "maxLength": MAX_NAME},
    ),
    Topic("command", "A signed command.", _COMMAND),
    Topic("confirm", "How far a reader has the events safe.", ConfirmPayload),
)
"""What others may publish. A retained message is refused on all of them."""

POSTED = (
    Topic("update/offer", "An update, for doors that take them.", UpdateOffer, retained=True),
    Topic("people/desired", "Whom the door should know.", _PEOPLE, retained=True),
    Topic("people/page/+", "A page of that list.", _PAGE, retained=True),
    Topic(
        "people/envelope/+",
        "A template, sealed for this door (HPKE).",
        {"type": "string", "format": "binary"},
        retained=True,
    ),
)
"""What the people office publishes for a door, each signed, hashed or sealed."""

OFFERED = (
    Topic(
        "people/offer/+",
        "Somebody captured at this door, sealed for the people office (HPKE).",
        {"type": "string", "format": "binary"},
        retained=True,
    ),
)
"""What `edge-door enroll --for-group` publishes at a door; the office takes it off."""


def schemas() -> dict[str, Mapping[str, object]]:
    """JSON Schema of every topic, by its name below BASE/ID."""
    return {topic.name: topic.schema for topic in TOLD + HEARD + POSTED + OFFERED}


def page() -> str:
    """The reference, in Markdown."""
    lines = [_HEAD, "## What a door says", ""]
    lines += _table(TOLD)
    lines += ["", "## What a door hears", "", _HEARD_NOTE, ""]
    lines += _table(HEARD)
    lines += ["", "## What the people office posts for a door", "", _POSTED_NOTE, ""]
    lines += _table(POSTED)
    lines += ["", "## What an enrolment for the office sends", ""]
    lines += _table(OFFERED)
    lines += ["", "## Schemas", ""]
    for topic in TOLD + HEARD + POSTED + OFFERED:
        if not isinstance(topic.payload, tuple) and topic.name != "event/replay":
            text = json.dumps(topic.schema, indent=1)
            lines += [f"### `{topic.name}`", "", "```json", text, "```", ""]
    return "\n".join(lines).rstrip() + "\n"


def _table(topics: tuple[Topic, ...]) -> list[str]:
    rows = [
        "| below `BASE/ID` | what it says | payload | retained | QoS |",
        "|---|---|---|---|---|",
    ]
    for topic in topics:
        payload = topic.payload
        words = " ".join(f"`{word}`" for word in payload) if isinstance(payload, tuple) else ""
        if isinstance(payload, Mapping):
            words = "text" if payload["type"] == "string" else "JSON"
            words = str(payload.get("contentMediaType", words))
        retained = "yes" if topic.retained else "no"
        says = words or "JSON"
        rows.append(f"| `{topic.name}` | {topic.says} | {says} | {retained} | {topic.qos} |")
    return rows


_HEAD = """# MQTT reference

Made by `edge-door mqtt` from the code: do not edit. `edge-door mqtt --json` prints the JSON Schemas
alone. `BASE` is `[mqtt] base_topic`, `ID` is `[device] id`; `None` is Home Assistant's word for a
state that nobody knows.

Events come at least once and in order. A reader drops by `chain` what it has already, recomputes
every link from `body`, and checks `head` with the key on `audit_key`, which it keeps from the first
time on. It says on `confirm` how far it has the events safe, and asks there for what it misses:
after each `online`, after a gap in `seq`, and after it was restored from an older copy. What a
door dropped for lack of room does not come any more: `reported` names its `first` event. An event
longer than the broker takes is left out, and a warning in the door's log says so.
"""

_POSTED_NOTE = """[People from the centre](people.md). A door asks for the pages and envelopes that
its `people/reported` names. No message here is longer than 64 KiB. The pieces of an
update lie on `BASE/updates/DIGEST/N`, for all doors."""

_HEARD_NOTE = """`confirm` is not signed. The access list in `deploy/broker/` lets only the
collectors' certificates write it. What a forged one could do is bounded: it makes a door send
events again, or believe them safe, which only quietens its warning that the ledger fills up; no
event is deleted for it. `command` is signed, and checked by the program that opens the door."""
