"""Where everything is published and heard. Pure: values in, messages out.

`edge.link.payloads` has what stands in them; `edge.link.reference` lists them for readers.

`None` is Home Assistant's word for a state that nobody knows.
"""

from __future__ import annotations

import base64
import math
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, get_args

from edge.link.payloads import (
    AuditKey,
    CommandAnswer,
    EventPayload,
    EventType,
    Reported,
    SignedHead,
    UpdateReported,
    as_json,
    to_json,
)
from edge.records import EventKind, Reason
from edge.vocabulary import GRANTS, LIFELESS
from edge.wire.messages import LockState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.records import Event, StoredEvent

EVENT_TYPES: tuple[EventType, ...] = get_args(EventType)
"""What `event_type` can be: the four outcomes at the door, and the other kinds of event."""
GRANTED: EventType = "granted"
ACCESS_TYPES: tuple[EventType, ...] = (GRANTED, "denied", "spoof", "duress")
"""The four outcomes."""

_OTHER_TYPES: dict[EventKind, EventType] = {
    EventKind.DOOR: "door",
    EventKind.PEOPLE: "people",
    EventKind.SYSTEM: "system",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LOCK_WORDS = {state: state.value for state in LockState} | {
    LockState.HELD: "OPEN",
    LockState.FORCED: "OPEN",
    LockState.FAULT: "JAMMED",
}
_LOCK_STATES = {state.value: state for state in LockState}
_SWITCH: Mapping[bool | None, str] = {True: "ON", False: "OFF", None: "None"}


@dataclass(frozen=True, slots=True)
class Message:
    """One publish. `qos` is 0 or 1."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False


@dataclass(frozen=True, slots=True)
class DoorState:
    """What is known of the door now. None: nobody knows."""

    lock: LockState | None = None
    open: bool | None = None
    tamper: bool | None = None
    camera_lost: bool | None = None
    instruction: str = ""
    """What the running challenge asks of the person at the door."""
    available: bool = False
    """True while sight answers and holds its connection to the guard."""

    @classmethod
    def of(cls, states: Mapping[str, str], *, available: bool) -> DoorState:
        """From the ledger's states: `lock`, `contact`, `tamper` and `camera`."""
        return cls(
            lock=_LOCK_STATES.get(states.get("lock", "")),
            open={"open": True, "closed": False}.get(states.get("contact", "")),
            tamper={"on": True, "off": False}.get(states.get("tamper", "")),
            camera_lost={"lost": True, "ok": False}.get(states.get("camera", "")),
            instruction=states.get("instruction", ""),
            available=available,
        )


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one device. `base` and `device` were validated by the configuration."""

    base: str
    device: str

    def at(self, rest: str) -> str:
        """`BASE/ID/rest`."""
        return f"{self.base}/{self.device}/{rest}"

    @property
    def lock_set(self) -> str:
        """Where LOCK is heard."""
        return self.at("lock/set")

    @property
    def claim_set(self) -> str:
        """Where a claimed identity is heard."""
        return self.at("claim/set")

    @property
    def command(self) -> str:
        """Where signed commands are heard."""
        return self.at("command")

    @property
    def confirm(self) -> str:
        """Where the reader of the events says how far it has them safe."""
        return self.at("confirm")

    @property
    def audit_key(self) -> str:
        """Where the key that signs the events stands; another one there is a second device."""
        return self.at("audit_key")

    @property
    def people_desired(self) -> str:
        """Where the people office publishes the list of people, retained."""
        return self.at("people/desired")

    @property
    def people_reported(self) -> str:
        """Where the door says how far it is with the list, retained."""
        return self.at("people/reported")

    def people_page(self, hashed: str) -> str:
        """Where the page of a list of that SHA-256 lies, retained."""
        return self.at(f"people/page/{hashed}")

    def people_offer(self, hashed: str) -> str:
        """Where lies whom this door has captured for the people office, retained."""
        return self.at(f"people/offer/{hashed}")

    def people_envelope(self, hashed: str) -> str:
        """Where the envelope of that SHA-256 lies, retained."""
        return self.at(f"people/envelope/{hashed}")

    @property
    def update_offer(self) -> str:
        """Where an update is offered to this door, retained."""
        return self.at("update/offer")

    def update_piece(self, digest: str, number: str) -> str:
        """Where a piece of an update lies, for all doors, retained."""
        return f"{self.base}/updates/{digest}/{number}"

    @property
    def heard(self) -> tuple[str, ...]:
        """All that others may publish here."""
        return (self.lock_set, self.claim_set, self.command, self.confirm)

    def available(self, *, online: bool) -> Message:
        """Whether the door as a whole is online; `offline` is also the last will."""
        return _retained(self.at("availability"), "online" if online else "offline")

    def states(self, state: DoorState) -> tuple[Message, ...]:
        """All retained states. While the guard is out of reach they are unknown, not the last."""
        known = state.available
        lock = state.lock if known else None
        words = {
            "lock/state": "None" if lock is None else _LOCK_WORDS[lock],
            "door/contact": _SWITCH[state.open if known else None],
            "door/forced": _SWITCH[None if lock is None else lock is LockState.FORCED],
            "door/held": _SWITCH[None if lock is None else lock is LockState.HELD],
            "tamper": _SWITCH[state.tamper if known else None],
            "camera/problem": _SWITCH[state.camera_lost],
            "instruction": state.instruction,
            "lock/availability": "online" if known else "offline",
        }
        return tuple(_retained(self.at(rest), word) for rest, word in words.items())

    def event(self, stored: StoredEvent, *, replayed: bool) -> Message:
        """One event, on the live feed or, delivered late, on the replay feed. Never retained."""
        event, head = stored.event, stored.head
        signed = SignedHead(head.sequence, head.chain, head.key, head.signature) if head else None
        payload = EventPayload(
            event_type=event_type(event),
            kind=event.kind,
            reason=event.reason,
            person=event.person,
            seq=stored.sequence,
            boot=stored.boot,
            ts=_iso(event.wall),
            ts_trusted=event.wall_trusted,
            device=event.device,
            detail=dict(event.detail),
            replayed=replayed,
            chain=stored.chain,
            body=stored.body,
            head=signed,
        )
        return Message(self.at("event/replay" if replayed else "event"), to_json(payload))

    def key(self, public: bytes) -> Message:
        """The raw Ed25519 public key that signs the events, retained."""
        payload = AuditKey(self.device, base64.b64encode(public).decode())
        return Message(self.audit_key, to_json(payload), retain=True)

    def reported(self, reported: Reported) -> Message:
        """What the device says of itself, retained."""
        return Message(self.at("reported"), to_json(reported), retain=True)

    def answer(self, answer: CommandAnswer) -> Message:
        """What became of a signed command."""
        return Message(self.at("command/answer"), to_json(answer))

    def people(self, report: bytes) -> Message:
        """How far the list of people is, retained."""
        return Message(self.people_reported, report, retain=True)

    def last_face(self, jpeg: bytes) -> Message:
        """The face of the last attempt. Not retained: a broker is no place to keep it."""
        return Message(self.at("last_face"), jpeg, 0)

    def update(self, report: UpdateReported) -> Message:
        """How far the update is, retained."""
        return Message(self.at("update/reported"), to_json(report), retain=True)

    def metrics(self, metrics: Mapping[str, float]) -> Message:
        """The figures of the moment; a lost one is not missed."""
        return Message(self.at("metrics"), as_json({k: _finite(v) for k, v in metrics.items()}), 0)


def rollout_plan(base: str) -> str:
    """Where the office says how far a roll-out is, retained."""
    return f"{base}/updates/plan"


def event_type(event: Event) -> EventType:
    """The `event_type` of an event: an outcome at the door, or the kind of the event."""
    if event.reason is Reason.DURESS:
        return "duress"
    if event.kind is not EventKind.ACCESS or event.reason is Reason.NEWER:
        return _OTHER_TYPES.get(event.kind, "system")  # whether they were let in nobody knows
    if event.reason in GRANTS:
        return GRANTED
    return "spoof" if event.reason in LIFELESS else "denied"


def _retained(topic: str, word: str) -> Message:
    return Message(topic, word.encode("ascii"), retain=True)


def _iso(wall: float) -> str | None:
    try:
        moment = _EPOCH + timedelta(seconds=wall)
    except (OverflowError, ValueError):
        return None
    return moment.isoformat(timespec="milliseconds")


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
