"""The JSON that travels over MQTT: one dataclass a payload.

Free are only the figures of `metrics`, and Home Assistant's own announcement. Whatever reads or
writes these topics takes them from here; the reference page and its JSON Schemas are made from
them.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from enum import Enum
from typing import Annotated, Literal, TypeVar, cast, get_args

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from edge.errors import WireError, plainly
from edge.roster.report import Report
from edge.vocabulary import EventKind, Reason

MAX_SEQUENCE = 2**53
"""Whole numbers that every JSON reader keeps."""

Sequence = Annotated[int, Field(strict=True, ge=0, le=MAX_SEQUENCE)]
Chain = Annotated[str, Field(pattern="^([0-9a-f]{64})?$")]
_DOCUMENTED = ConfigDict(use_attribute_docstrings=True)

EventType = Literal["granted", "denied", "spoof", "duress", "door", "people", "system"]


@dataclass(frozen=True, slots=True)
class SignedHead:
    """The device vouches, by its audit key, that its event `seq` has this chain."""

    __pydantic_config__ = _DOCUMENTED

    seq: Sequence
    chain: Chain
    key: str
    """Hex of the first 8 bytes of the SHA-256 of the raw public key."""
    sig: str
    """Base64 Ed25519 signature over `["edge-door head", device, seq, chain]` as canonical JSON."""


@dataclass(frozen=True, slots=True)
class EventPayload:
    """One event. `chain` identifies it: a reader drops a second delivery."""

    __pydantic_config__ = _DOCUMENTED

    event_type: EventType
    """The outcome at the door, or what else the event is about."""
    kind: EventKind
    reason: Reason
    person: str | None
    seq: Sequence
    """Without gaps, from 1."""
    boot: str
    """Names one start of the program that wrote it."""
    ts: str | None
    """ISO 8601 in UTC; null where the clock was beyond all years."""
    ts_trusted: bool
    """False until the door's clock was synchronised."""
    device: str
    detail: dict[str, str | float | bool | None]
    replayed: bool
    """Delivered late, or once more: no automation should act on it."""
    chain: Chain
    """Hex SHA-256 over canonical JSON `[previous chain, seq, boot, body]`; before event 1 stands
    that of `["edge-door ledger", device]`."""
    body: str
    """The event as it was hashed: canonical JSON text."""
    head: SignedHead | None
    """The newest signed head at or before this event."""


@dataclass(frozen=True, slots=True)
class AuditKey:
    """The public key that signs this device's heads. A reader keeps the first that it sees."""

    __pydantic_config__ = _DOCUMENTED

    device: str
    key: str
    """Base64 of the raw Ed25519 public key."""


@dataclass(frozen=True, slots=True)
class Reported:
    """What the device says of itself; anew when it changes, and after each connect."""

    __pydantic_config__ = _DOCUMENTED

    version: str
    """Of edge-door."""
    model: str
    """SHA-256 of the face embedder; empty while sight is away."""
    people: int | None
    """Enrolled; null while sight is away."""
    clock_trusted: bool
    temperature_c: float | None
    """Of the board's hottest zone; null where it has no sensor."""
    fps: float | None
    """Frames judged a second, about ten while nobody is there; null while sight is away."""
    certificate_ends: float | None
    """When the client certificate ends, seconds since 1970; null without one."""
    protocol: str
    """Of MQTT, `5` or `3.1.1`."""
    outbox_depth: int
    """Events that wait for the broker."""
    outbox_capacity: int
    """The oldest are dropped beyond so many."""
    outbox_lost: int
    """Events dropped before the broker could have them."""
    first: Sequence
    """The oldest event that can still be sent again."""
    last: Sequence
    """The newest event."""
    confirmed: Sequence
    """What the reader has confirmed."""
    twin: bool
    """Another device uses this device's id."""


@dataclass(frozen=True, slots=True)
class ConfirmPayload:
    """A reader has every event up to `sequence` safe."""

    __pydantic_config__ = _DOCUMENTED

    sequence: Sequence
    chain: Chain
    """The chain of that event, to tell this history from another; empty when `sequence` is 0."""
    resend: Annotated[bool, Field(strict=True)] = False
    """Send what follows once more: short for `resend_from` = `sequence` + 1."""
    resend_from: Sequence | None = None
    """Send everything from this event on once more, confirmed or not."""
    tell: Annotated[bool, Field(strict=True)] = False
    """Say states, report and key once more: the reader's broker, one node of several, has none."""


@dataclass(frozen=True, slots=True)
class CommandAnswer:
    """What became of a signed command."""

    __pydantic_config__ = _DOCUMENTED

    id: str
    """The command's nonce. One whose nonce cannot be read gets no answer."""
    outcome: Literal["done", "refused"]
    reason: str
    """Why it was refused; what was done."""


@dataclass(frozen=True, slots=True)
class UpdateOffer:
    """An update for this door. Who signed it is checked by the door, whoever offers it."""

    __pydantic_config__ = _DOCUMENTED

    version: Annotated[int, Field(strict=True, ge=1, le=MAX_SEQUENCE)]
    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    """Hex SHA-256 of the bundle."""
    size: Annotated[int, Field(strict=True, ge=1, le=256 * 1024 * 1024)]
    """Bytes."""
    pieces: Annotated[int, Field(strict=True, ge=1, le=8192)]
    """They lie on `BASE/updates/DIGEST/N`, N from 0, 48 KiB each."""


@dataclass(frozen=True, slots=True)
class UpdateReported:
    """How far the door is with the update that it is offered."""

    __pydantic_config__ = _DOCUMENTED

    device: str
    offered: Annotated[str, Field(pattern="^([0-9a-f]{64})?$")]
    """The offer's digest; empty: none."""
    state: Literal["none", "fetching", "fetched", "in force", "refused"]
    why: Annotated[str, Field(max_length=400)]
    """Why it was refused, or failed its self-test; all stays as it was then."""
    version: int
    """In force by an update; 0: none."""


class RolloutState(str, Enum):
    """How far a roll-out is."""

    RUNNING = "running"
    DONE = "done"
    HALTED = "halted"


@dataclass(frozen=True, slots=True)
class RolloutPlan:
    """An update on its way through the fleet, wave after wave: for the dashboard."""

    __pydantic_config__ = _DOCUMENTED

    version: Annotated[int, Field(strict=True, ge=1, le=MAX_SEQUENCE)]
    digest: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    waves: tuple[tuple[str, ...], ...]
    """Doors by their ids."""
    wave: Annotated[int, Field(strict=True, ge=0, le=10_000)]
    """The wave that is on, from 0."""
    state: RolloutState
    why: Annotated[str, Field(max_length=500)] = ""
    """What halted it."""


@dataclass(frozen=True, slots=True)
class UpdateTaken:
    """What `edge-door update take` made of the fetched bundle; a file, not a message."""

    digest: str
    version: int
    ok: bool
    why: str


Payload = (
    EventPayload
    | AuditKey
    | Reported
    | ConfirmPayload
    | CommandAnswer
    | Report
    | UpdateOffer
    | UpdateReported
    | UpdateTaken
    | RolloutPlan
)
Kind = TypeVar("Kind")
_ADAPTERS: dict[type, TypeAdapter[object]] = {kind: TypeAdapter(kind) for kind in get_args(Payload)}


def to_json(payload: Payload) -> bytes:
    """What is published."""
    return as_json(asdict(payload))


def from_json(kind: type[Kind], payload: str | bytes) -> Kind:
    """What was published. Fields that are not known here are left out.

    Raises:
        WireError: it is not that; names the first field that is wrong.
    """
    try:
        return cast("Kind", _ADAPTERS[kind].validate_json(payload))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        said = plainly(first["msg"])
        raise WireError(f"{where}: {said}" if where else said) from error


def schema(kind: type[Payload]) -> dict[str, object]:
    """The JSON Schema of a payload."""
    return _ADAPTERS[kind].json_schema()


def as_json(value: object) -> bytes:
    """One line of ASCII: nothing in it can end a log line or leave its string."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).encode("ascii")
