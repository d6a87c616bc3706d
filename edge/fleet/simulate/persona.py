"""One simulated door: its name, its key, and what happens at it. The same for both kinds of door.

What happens is drawn from the door's own name and a seed: two runs tell the same story.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, TypeVar

from edge.ledger.chain import chained, encode, genesis
from edge.ledger.ledger import CAPACITY
from edge.ledger.seal import Seal, head
from edge.link.payloads import Reported
from edge.link.topics import DoorState, Topics
from edge.records import Event, EventKind, Reason, StoredEvent
from edge.wire.messages import LockState

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from edge.link.topics import Message
    from edge.moment import Moment

Thing = TypeVar("Thing")
PEOPLE = ("Ada", "Björn", "Chidi", "Dolores", "Emine", "Farid", "Grace", "Hiro", "Ines", "Jarek")
_VISIT = (Reason.GRANTED, Reason.UNLOCKED, Reason.OPENED, Reason.CLOSED, Reason.LOCKED)
_TROUBLES = (
    (EventKind.ACCESS, Reason.NO_MATCH),
    (EventKind.ACCESS, Reason.LIVENESS_FAILED),
    (EventKind.ACCESS, Reason.UNKNOWN_CREDENTIAL),
    (EventKind.DOOR, Reason.REX),
    (EventKind.DOOR, Reason.HELD_OPEN),
    (EventKind.DOOR, Reason.FORCED),
    (EventKind.SYSTEM, Reason.CAMERA_LOST),
    (EventKind.SYSTEM, Reason.CAMERA_BACK),
)
TROUBLE = 0.15
"""So often something else happens than a visit; it looks like a busy day, and alarms are rare."""


class Dice:
    """Chance that can be told again. The library's own would be half of a thin door."""

    __slots__ = ("_rolled", "_secret")

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._rolled = 0

    def roll(self) -> float:
        """From 0 to below 1."""
        self._rolled += 1
        said = hashlib.blake2b(self._rolled.to_bytes(8, "big"), key=self._secret, digest_size=4)
        return int.from_bytes(said.digest(), "big") / 2**32

    def one_of(self, things: Sequence[Thing]) -> Thing:
        """Any of them."""
        return things[int(self.roll() * len(things))]


@dataclass(slots=True)
class Persona:
    """What a door is and says; `clock` tells both times."""

    topics: Topics
    clock: Callable[[], Moment]
    dice: Dice
    secret: bytes
    _left: int = 0
    _person: str = ""

    @classmethod
    def of(cls, base: str, device: str, seed: int, clock: Callable[[], Moment]) -> Persona:
        """The door of this name."""
        secret = hashlib.sha256(f"edge-door simulate {seed} {device}".encode()).digest()
        return cls(Topics(base, device), clock, Dice(secret), secret)

    @property
    def boot(self) -> str:
        """Names its one start."""
        return self.secret[:8].hex()

    def seal(self, anchor: Path) -> Seal:
        """What signs its events."""
        return Seal(self.secret, anchor)

    def greeting(self, public: bytes, last: int) -> list[Message]:
        """What it says when it has connected: key, states, report, online."""
        reported = Reported(
            version=version("edge-door"),
            model=hashlib.sha256(b"simulated").hexdigest(),
            people=len(PEOPLE),
            clock_trusted=True,
            temperature_c=48.0,
            fps=12.0,
            certificate_ends=None,
            protocol="5",
            outbox_depth=0,
            outbox_capacity=CAPACITY,
            outbox_lost=0,
            first=1,
            last=last,
            confirmed=0,
            twin=False,
        )
        state = DoorState(LockState.LOCKED, open=False, tamper=False, available=True)
        return [
            self.topics.key(public),
            *self.topics.states(state),
            self.topics.reported(reported),
            self.topics.available(online=True),
        ]

    def happens(self) -> Event:
        """The next event."""
        if not self._left and self.dice.roll() < TROUBLE:
            kind, reason = self.dice.one_of(_TROUBLES)
            return self._event(kind, reason, None)
        if not self._left:
            self._left, self._person = len(_VISIT), self.dice.one_of(PEOPLE)
        reason = _VISIT[len(_VISIT) - self._left]
        self._left -= 1
        kind = EventKind.ACCESS if reason is Reason.GRANTED else EventKind.DOOR
        return self._event(kind, reason, self._person)

    def _event(self, kind: EventKind, reason: Reason, person: str | None) -> Event:
        moment = self.clock()
        detail: dict[str, str | float | bool] = {}
        if kind is EventKind.ACCESS:
            detail = {"similarity": round(0.3 + 0.6 * self.dice.roll(), 4), "threshold": 0.45}
        return Event(
            kind=kind,
            reason=reason,
            at=moment.at,
            wall=moment.wall,
            wall_trusted=True,
            device=self.topics.device,
            person=person,
            detail=detail,
        )


class Chain:
    """A ledger in two numbers: links and signs events as the product's ledger does, keeps none."""

    __slots__ = ("_boot", "_device", "_seal", "chain", "sequence")

    def __init__(self, persona: Persona, seal: Seal) -> None:
        self._device = persona.topics.device
        self._boot = persona.boot
        self._seal = seal
        self.sequence = 0
        self.chain = genesis(self._device)

    def append(self, event: Event) -> StoredEvent:
        """Link and sign an event."""
        body = encode(event)
        self.sequence += 1
        self.chain = chained(self.chain, self.sequence, self._boot, body)
        signature = self._seal.sign(self._device, self.sequence, self.chain)
        signed = head(self._seal.public, signature, self.sequence, self.chain)
        return StoredEvent(self.sequence, self._boot, event, self.chain, body, signed)
