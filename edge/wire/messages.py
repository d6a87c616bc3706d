"""Every message between the programs: one frozen dataclass an operation. `codec` makes packets.

    door's socket    sight asks     Unlock  Relock  SetMode  Signal  Acknowledge  AskState
                     guard tells    State  Happened  Presented  Refused
    sight's socket   others ask     Claim  Command  UnlockByCode  Relock  AskStatus  Watch
                                    LendCamera  Rehearse  AskFace  Part
                     sight answers  Done  Failed  Status  LastFace, and Seen to those who watch

Stdlib only, since the relay guard speaks it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from edge.vocabulary import Hint, LivenessState, Outcome, Reason

Detail = Mapping[str, str | float | bool]
"""Figures and short texts of an event."""


class Mode(str, Enum):
    """How the door treats requests. Lock-down refuses tickets; exit button and fire still open."""

    NORMAL = "normal"
    ALWAYS_OPEN = "always_open"
    LOCK_DOWN = "lock_down"


class LockState(str, Enum):
    """What the lock and the door leaf do."""

    LOCKED = "LOCKED"
    UNLOCKING = "UNLOCKING"
    UNLOCKED = "UNLOCKED"
    OPEN = "OPEN"
    HELD = "HELD"
    FORCED = "FORCED"
    FAULT = "FAULT"


class Contact(str, Enum):
    """What the door contact says; unknown without one."""

    OPEN = "open"
    CLOSED = "closed"
    UNKNOWN = "unknown"


class Cause(str, Enum):
    """Why the door was unlocked: the `cause` in the detail of an event."""

    TICKET = "ticket"
    REX = "rex"
    FIRE = "fire"
    ALWAYS_OPEN = "always_open"


class Cue(str, Enum):
    """What the person at the door is to be shown."""

    OFF = "off"
    LOOK_HERE = "look_here"
    CHALLENGE = "challenge"
    GRANTED = "granted"
    DENIED = "denied"


class Credential(str, Enum):
    """What readers read."""

    CARD = "card"
    PIN = "pin"


class Colour(str, Enum):
    """What three lamps can show."""

    OFF = "off"
    RED = "red"
    GREEN = "green"
    BLUE = "blue"
    YELLOW = "yellow"
    MAGENTA = "magenta"
    CYAN = "cyan"
    WHITE = "white"


@dataclass(frozen=True, slots=True)
class Flash:
    """One colour for a while, with or without the buzzer."""

    colour: Colour
    seconds: float
    beep: bool = False


# Sight to the relay guard.


@dataclass(frozen=True, slots=True)
class Unlock:
    """One pulse, please."""

    ticket: str
    """32 hexadecimal digits, never used before."""
    issued_at: float
    """Monotonic seconds."""


@dataclass(frozen=True, slots=True)
class Relock:
    """Lock now. Sight's own socket takes it too: the one request that needs no signature."""


@dataclass(frozen=True, slots=True)
class SetMode:
    """The mode from now on; always-open lapses unless it is said again."""

    mode: Mode


@dataclass(frozen=True, slots=True)
class Signal:
    """Show this; a challenge may bring its own flashes."""

    cue: Cue
    steps: tuple[Flash, ...] = ()


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """Every `Happened` up to this number is in the ledger."""

    number: int


@dataclass(frozen=True, slots=True)
class AskState:
    """Say `State`, changed or not."""


# The relay guard to sight.


@dataclass(frozen=True, slots=True)
class State:
    """The door as it is now."""

    lock: LockState
    relay: bool
    contact: Contact
    tamper: bool
    fire: bool
    mode: Mode
    fault: str
    """Why the lock's lines cannot be trusted; empty when they can."""


@dataclass(frozen=True, slots=True)
class Happened:
    """Something happened at the door. Said again until it is acknowledged."""

    reason: Reason
    at: float
    """Monotonic seconds."""
    detail: Detail = field(default_factory=dict)
    number: int = 0
    """Without gaps, from 1."""


@dataclass(frozen=True, slots=True)
class Presented:
    """A card or a PIN was presented at a reader."""

    credential: Credential
    value: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A request was not followed."""

    reason: str
    ticket: str = ""


# To sight, and its answers: one for each request.


@dataclass(frozen=True, slots=True)
class Claim:
    """This person stands at the door."""

    person: str


CLAIM_HERE = (
    "who stands there is said at the door, by a card or a PIN, or by root with `edge-door claim`: "
    '[match] claim is "required"'
)
"""Why nobody's claim from afar counts."""


@dataclass(frozen=True, slots=True)
class Command:
    """A signed command, as the text that was signed."""

    text: str


class Posted(str, Enum):
    """What came from the people office."""

    LIST = "list"
    PAGE = "page"
    ENVELOPE = "envelope"


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of something that the people office has posted; a packet holds 64 KiB."""

    what: Posted
    part: int
    """From 0, in order; 0 begins anew."""
    parts: int
    data: str
    """Base64."""


@dataclass(frozen=True, slots=True)
class UnlockByCode:
    """Open for whose PIN this is; only where the broker is trusted (`[mqtt] trust_broker`)."""

    code: str
    at: float
    """When it was asked, seconds since the Unix epoch."""


@dataclass(frozen=True, slots=True)
class AskStatus:
    """How is sight?"""


@dataclass(frozen=True, slots=True)
class AskFace:
    """What did the face of the last attempt look like? Only with `[mqtt] last_face`."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Show every frame's evidence until I hang up."""


@dataclass(frozen=True, slots=True)
class LendCamera:
    """Let go of the camera, for an enrolment; sight takes it back unless I go on asking."""

    seconds: float
    """0: take it back now."""


@dataclass(frozen=True, slots=True)
class Rehearse:
    """Judge whoever stands there as usual, but open nothing and write nothing."""

    seconds: float
    """0: no more."""
    claim: str = ""
    """Who is said to stand there; forgotten with the rehearsal."""


@dataclass(frozen=True, slots=True)
class Done:
    """It was done."""

    what: str = ""
    """The person who is claimed, spelt as enrolled; the action that was followed."""


@dataclass(frozen=True, slots=True)
class LastFace:
    """The face of the last attempt, cut out."""

    jpeg: str
    """Base64."""


@dataclass(frozen=True, slots=True)
class Failed:
    """It was not done."""

    why: str


@dataclass(frozen=True, slots=True)
class Status:
    """How sight is."""

    door: bool
    """Whether the relay guard answers."""
    camera: str
    """`ok`, or what is wrong with it."""
    people: int
    camera_lent: bool = False
    """Whether an enrolment has the camera now."""
    model: str = ""
    """SHA-256 of the face embedder."""
    face: int = 0
    """Number of the face that `AskFace` brings; 0: there is none."""
    metrics: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Seen:
    """What one frame showed and what was decided, without pixels and embeddings."""

    at: float
    faces: int
    track: int
    outcome: Outcome
    reason: Reason
    hint: Hint
    liveness: LivenessState
    blinks: int
    instruction: str
    fps: float
    eyes: tuple[float, ...] | None = None
    """Opening of the right and the left eye, where they were measured."""
    person: str | None = None
    similarity: float | None = None
    """Where the face was compared; `threshold` with it."""
    threshold: float | None = None


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Stands for a packet that is no message, or whose fields are of another kind; never sent."""

    why: str


Request = (
    Claim
    | Command
    | UnlockByCode
    | Relock
    | AskStatus
    | AskFace
    | Watch
    | LendCamera
    | Rehearse
    | Part
)
Answer = Done | Failed | Status | LastFace
Message = (
    Request
    | Answer
    | Seen
    | Unlock
    | SetMode
    | Signal
    | Acknowledge
    | AskState
    | State
    | Happened
    | Presented
    | Refused
)
