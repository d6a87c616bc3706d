"""How the door stands: what sight says, what the broker says, and the last event."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from edge.errors import BrokerError, EdgeDoorError, WireError
from edge.ledger.reading import read_ledger
from edge.link.outbox import Fill, Outbox
from edge.sight.pace import NEEDED_FPS
from edge.vocabulary import Reason
from edge.wire.channel import Channel
from edge.wire.messages import AskStatus, Status
from edge.words import meaning, sentence

if TYPE_CHECKING:
    from edge.config import Config
    from edge.records import StoredEvent

_OFF = "off: [mqtt] host is not set"
_HIDDEN = "may not be read: use sudo"


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Everything that `status` tells."""

    sight: Status | None
    """None: it does not answer, and `silence` says how."""
    silence: str
    broker: str
    broker_ok: bool
    waiting: int | None
    """Events that the broker does not have yet; None: may not be read, or there is no broker."""
    last: StoredEvent | None
    hidden: bool
    """The ledger may not be read by this user."""

    @property
    def ok(self) -> bool:
        """Sight judges, the guard listens, and events travel where they are to."""
        sight = self.sight
        return sight is not None and sight.door and sight.camera == "ok" and self.broker_ok

    def as_json(self) -> dict[str, object]:
        """For machines; sight's own figures stand at the top."""
        told: dict[str, object] = asdict(self.sight) if self.sight else {"sight": self.silence}
        told |= {"ok": self.ok, "broker": self.broker, "outbox": self.waiting}
        if self.last is not None:
            event = self.last.event
            told["last_event"] = {
                "sequence": self.last.sequence,
                "reason": event.reason.value,
                "person": event.person,
                "wall": event.wall,
            }
        return told

    def sentences(self) -> dict[str, str]:
        """For people, by subject."""
        told = {"sight": self.silence or "answers"}
        if self.sight is not None:
            told |= _of_sight(self.sight)
        told["broker"] = self.broker
        if self.waiting is not None:
            told["events"] = f"{self.waiting} wait for the broker" if self.waiting else "all sent"
        told["last event"] = _HIDDEN if self.hidden else _when(self.last)
        return told


def standing(config: Config) -> Standing:
    """Ask everybody."""
    sight, silence = _ask(config)
    broker, broker_ok = _knock(config)
    waiting, last, hidden = None, None, False
    try:
        if config.ledger_db.exists():
            waiting, last = _recorded(config)
    except (EdgeDoorError, PermissionError):
        hidden = True
    return Standing(
        sight=sight,
        silence=silence,
        broker=broker,
        broker_ok=broker_ok,
        waiting=waiting,
        last=last,
        hidden=hidden,
    )


def _recorded(config: Config) -> tuple[int | None, StoredEvent | None]:
    """How many events wait for the broker, where there is one; and the newest."""
    with read_ledger(config) as ledger:
        newest = ledger.events(limit=1, newest_first=True)
        waiting = None
        if config.mqtt.host is not None and config.outbox_db.exists():
            with Outbox.open(config.outbox_db, read_only=True) as outbox:
                waiting = Fill.of(ledger, outbox.watermarks()).waiting
    return waiting, newest[0] if newest else None


def _ask(config: Config) -> tuple[Status | None, str]:
    try:
        with Channel.connect(config.sight_socket) as channel:
            answer = channel.ask(AskStatus())
    except WireError as error:
        return None, str(error)
    return (answer, "") if isinstance(answer, Status) else (None, "it answers something else")


def _knock(config: Config) -> tuple[str, bool]:
    if config.mqtt.host is None:
        return _OFF, True
    from edge.link.knock import knock

    try:
        return knock(config), True
    except BrokerError as error:
        unreadable = isinstance(error.__cause__, PermissionError)
        return (f"not asked: its files {_HIDDEN}" if unreadable else str(error)), unreadable


def _of_sight(sight: Status) -> dict[str, str]:
    camera = "lent to an enrolment" if sight.camera_lent else "delivers pictures"
    told = {
        "camera": camera if sight.camera == "ok" else sight.camera,
        "relay guard": "answers" if sight.door else "does not answer: nobody is let in",
        "people": f"{sight.people} enrolled",
    }
    if sight.metrics.get("face_stays"):
        told["view"] = meaning(Reason.FACE_STAYS)
    rate, median = sight.metrics.get("fps", 0.0), sight.metrics.get("decision_ms", 0.0)
    if rate:
        told["speed"] = f"{rate:.1f} pictures a second, a decision in {median:.0f} ms"
        if sight.metrics.get("too_slow"):
            told["speed"] += f": too slow for blinks, which need {NEEDED_FPS:g}"
        if sight.metrics.get("backed_off"):
            told["speed"] += "; backed off, since the board is hot or short of memory"
    return told


def _when(last: StoredEvent | None) -> str:
    if last is None:
        return "none yet"
    clock = datetime.fromtimestamp(last.event.wall).astimezone()
    return f"{clock:%Y-%m-%d %H:%M:%S}, {sentence(last.event)}"
