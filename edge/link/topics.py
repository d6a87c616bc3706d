"""Every topic and every payload, in one file. Pure: values in, messages out.

    topic below BASE/ID   what it says                                     retained  QoS
    availability          online, offline (the last will)                  yes       1
    lock/availability     online while sight and the relay guard answer    yes       1
    lock/state            LOCKED UNLOCKING UNLOCKED OPEN JAMMED None       yes       1
    door/contact          ON is open, OFF, None                            yes       1
    door/forced           ON, OFF, None                                    yes       1
    door/held             ON, OFF, None                                    yes       1
    tamper                ON, OFF, None                                    yes       1
    camera/problem        ON, OFF, None                                    yes       1
    instruction           what a challenge asks for; empty when none runs  yes       1
    event                 JSON: what happens now                           never     1
    event/replay          JSON: what was delivered late                    never     1
    metrics               JSON: figures                                    no        0

    heard below BASE/ID   what others may say                              retained
    lock/set              LOCK                                             refused
    claim/set             the name of the person at the door               refused
    command               signed JSON                                      refused
    confirm               {"sequence": n, "chain": hex, "resend": bool}    refused

`None` is Home Assistant's word for a state that nobody knows.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING

from edge.records import EventKind, Reason

if TYPE_CHECKING:
    from collections.abc import Mapping

    from edge.records import Event, StoredEvent

EVENT_TYPES = ("granted", "denied", "spoof", "duress", "door", "people", "system")
"""What `event_type` can be: the four outcomes at the door, and the other kinds of event."""

_GRANTS = frozenset({Reason.GRANTED, Reason.PIN, Reason.COMMAND})
_SPOOFS = frozenset({Reason.NOT_LIVE, Reason.LIVENESS_FAILED})
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LOCK_WORDS = {
    "LOCKED": "LOCKED",
    "UNLOCKING": "UNLOCKING",
    "UNLOCKED": "UNLOCKED",
    "OPEN": "OPEN",
    "HELD": "OPEN",
    "FORCED": "OPEN",
    "FAULT": "JAMMED",
}


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

    lock: str | None = None
    """The guard's word: LOCKED, UNLOCKING, UNLOCKED, OPEN, HELD, FORCED or FAULT."""
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
            lock=states.get("lock"),
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
    def heard(self) -> tuple[str, ...]:
        """All that others may publish here."""
        return (self.lock_set, self.claim_set, self.command, self.confirm)

    def available(self, online: bool) -> Message:  # noqa: FBT001
        """The device's own availability; `offline` is also the last will."""
        return _retained(self.at("availability"), "online" if online else "offline")

    def states(self, state: DoorState) -> tuple[Message, ...]:
        """All retained states. While the guard is out of reach they are unknown, not the last."""
        known = state.available
        lock = state.lock if known else None
        words = {
            "lock/state": _LOCK_WORDS.get(lock or "", "None"),
            "door/contact": _switch(state.open if known else None),
            "door/forced": _switch(None if lock is None else lock == "FORCED"),
            "door/held": _switch(None if lock is None else lock == "HELD"),
            "tamper": _switch(state.tamper if known else None),
            "camera/problem": _switch(state.camera_lost),
            "instruction": state.instruction,
            "lock/availability": "online" if known else "offline",
        }
        return tuple(_retained(self.at(rest), word) for rest, word in words.items())

    def event(self, stored: StoredEvent, *, replayed: bool) -> Message:
        """One event, on the live feed or, delivered late, on the replay feed. Never retained.

        `chain` identifies the event: a reader that keeps it drops a second delivery. `body` is
        what was hashed, so that a reader recomputes every link.
        """
        event = stored.event
        body: dict[str, object] = {
            "event_type": event_type(event),
            "kind": event.kind.value,
            "reason": event.reason.value,
            "person": event.person,
            "seq": stored.sequence,
            "boot": stored.boot,
            "ts": _iso(event.wall),
            "ts_trusted": event.wall_trusted,
            "device": event.device,
            "detail": dict(event.detail),
            "replayed": replayed,
            "chain": stored.chain,
            "body": stored.body,
        }
        if stored.head is not None:
            body["head"] = {
                "seq": stored.head.sequence,
                "chain": stored.head.chain,
                "key": stored.head.key,
                "sig": stored.head.signature,
            }
        return Message(self.at("event/replay" if replayed else "event"), as_json(body))

    def metrics(self, figures: Mapping[str, float]) -> Message:
        """The figures of the moment; a lost one is not missed."""
        return Message(self.at("metrics"), as_json({k: _finite(v) for k, v in figures.items()}), 0)


def event_type(event: Event) -> str:
    """The `event_type` of an event: an outcome at the door, or the kind of the event."""
    if event.reason is Reason.DURESS:
        return "duress"
    if event.kind is not EventKind.ACCESS:
        return event.kind.value
    if event.reason in _GRANTS:
        return "granted"
    return "spoof" if event.reason in _SPOOFS else "denied"


def as_json(value: object) -> bytes:
    """One line of ASCII: nothing in it can end a log line or leave its string."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")


def _retained(topic: str, word: str) -> Message:
    return Message(topic, word.encode("ascii"), retain=True)


def _switch(on: bool | None) -> str:  # noqa: FBT001
    if on is None:
        return "None"
    return "ON" if on else "OFF"


def _iso(wall: float) -> str | None:
    try:
        moment = _EPOCH + timedelta(seconds=wall)
    except (OverflowError, ValueError):
        return None
    return moment.isoformat(timespec="milliseconds")


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
