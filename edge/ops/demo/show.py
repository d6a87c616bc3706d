"""Runs the demo: door, sight and link as they run anywhere, on a film instead of a camera."""

from __future__ import annotations

import json
import signal
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

from rich.table import Table

from edge.config import Config, load
from edge.door.pins.fake import Board
from edge.errors import EnrolmentError
from edge.ops.demo.broker import EmbeddedBroker, Subscriber
from edge.ops.demo.film import ENROLLED, actors, enrolment_pictures, kept_or_shot
from edge.ops.demo.picture import Watcher, draw
from edge.ops.enrol import enrol_files, save
from edge.ops.pictures import Sources
from edge.ops.supervisor import Supervisor
from edge.records import EventKind, Reason
from edge.sight.sealed_ledger import open_ledger
from edge.vision.stages import Stages

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edge.ledger.ledger import Ledger
    from edge.ops.demo.film import Scene
    from edge.records import StoredEvent

PULSE_S = 1.0
PULSE_TOLERANCE_S = 0.1
_STARTING_S = 30.0
_SETTLE_S = 2.0
"""After the film: for the relay to fall and the last message to arrive."""


@dataclass(frozen=True, slots=True)
class Result:
    """What the demo showed; `ok` only if all of it is what it should be."""

    granted: int
    denied: dict[str, int]
    pulses_s: list[float]
    mqtt_received: int
    ok: bool
    problems: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        """The one object that `--json` ends with."""
        return asdict(self)


def play(folder: Path, say: Callable[[str], None], picture: Path | None = None) -> Result:
    """Make a film, enrol one person, and let the door judge three visits; draw it if asked."""
    film = folder / "film.avi"
    with EmbeddedBroker() as broker:
        config, config_path = write_config(folder, str(film), broker.port)
        stages = Stages.load(config)
        person, stranger = actors(stages)
        scenes, length_s = kept_or_shot(person, stranger, film, say)
        pictures = enrolment_pictures(person, folder / "enrolment")
        captures = _enrol(config, stages, pictures)
        say(f"enrolled {ENROLLED} from {captures} different captures")
        with Subscriber(config.mqtt, f"{config.mqtt.base_topic}/{config.device.id}/#") as reader:
            watcher = Watcher(config.sight_socket)
            events = run_door(config, config_path, length_s, Announcer(scenes, say))
            watcher.close()
            received = [(m.topic, m.payload) for m in reader.received]
    if picture is not None:
        relay = Board(config.paths.run).changes(config.door.relay_pin)
        draw(picture, film, scenes, watcher.seen, events, relay)
        say(f"drawn: {picture}")
    return judge(events, relay_pulses(config), received, config)


def relay_pulses(config: Config) -> list[float]:
    """How long the fake relay was on each time, in seconds, to the millisecond."""
    return [round(pulse, 3) for pulse in Board(config.paths.run).pulses(config.door.relay_pin)]


def judge(
    events: list[StoredEvent],
    pulses: list[float],
    received: list[tuple[str, bytes]],
    config: Config,
) -> Result:
    """Hold what happened against what should have happened."""
    access = [e.event for e in events if e.event.kind is EventKind.ACCESS]
    reasons = Counter(event.reason.value for event in access)
    granted = reasons.pop(Reason.GRANTED.value, 0)
    problems = [] if granted == 1 else [f"{granted} grants, not 1"]
    problems += [
        f"no denial for {reason}"
        for reason in (Reason.NO_MATCH.value, Reason.NOT_LIVE.value)
        if not reasons[reason]
    ]
    if len(pulses) != 1 or abs(pulses[0] - config.door.pulse_s) > PULSE_TOLERANCE_S:
        problems.append(f"relay pulses {pulses} s, not one of {config.door.pulse_s} s")
    missing = _untold(events, received, f"{config.mqtt.base_topic}/{config.device.id}")
    if missing:
        problems.append(f"events {missing} did not reach the subscriber")
    return Result(granted, dict(reasons), pulses, len(received), not problems, problems)


def _untold(events: list[StoredEvent], received: list[tuple[str, bytes]], root: str) -> list[int]:
    feeds = (f"{root}/event", f"{root}/event/replay")
    told = {json.loads(payload)["seq"] for topic, payload in received if topic in feeds}
    # Link stops before sight, so that sight's own farewell waits for the next start.
    return sorted({e.sequence for e in events if e.event.reason is not Reason.STOPPED} - told)


def summary(result: Result) -> Table:
    """The result as people read it."""
    table = Table("", "", title="edge-door demo", show_header=False)
    table.add_row("granted", str(result.granted))
    for reason, count in result.denied.items():
        table.add_row(f"denied: {reason}", str(count))
    table.add_row("relay on", ", ".join(f"{pulse:.3f} s" for pulse in result.pulses_s) or "never")
    table.add_row("MQTT messages received", str(result.mqtt_received))
    table.add_row("as it should be", "yes" if result.ok else "NO: " + "; ".join(result.problems))
    return table


def write_config(folder: Path, source: str, port: int) -> tuple[Config, Path]:
    """A configuration file for a fake door in `folder`, as a person would write it."""
    path = folder / "edge-door.toml"
    path.write_text(
        f"""
[device]
id = "demo"
name = "Demo door"
[paths]
state = {json.dumps(str(folder / "state"))}
run = {json.dumps(str(folder / "run"))}
[camera]
source = {json.dumps(source)}
[liveness]
timeout_s = 3.0
[access]
pause_s = 3.0
[door]
backend = "fake"
pulse_s = {PULSE_S}
[mqtt]
host = "127.0.0.1"
port = {port}
protocol = "3.1.1" # the embedded broker knows no more
[log]
level = "error"
""",
        encoding="utf-8",
    )
    return load(path), path


def _enrol(config: Config, stages: Stages, pictures: Path) -> int:
    sources = Sources((pictures,))
    found = enrol_files(
        config, stages, ENROLLED, sources, lambda found: save(config, found), lambda *_: None
    )
    if found.problem:
        raise EnrolmentError(f"the demo's actor is not enrolled: {found.problem}")
    return found.captures


def run_door(
    config: Config, config_path: Path, length_s: float, announcer: Announcer
) -> list[StoredEvent]:
    """Run the three programs until `length_s` has passed; everything the ledger says by then."""
    with open_ledger(config) as ledger:
        announcer.follow(ledger, length_s)
        if Supervisor(config.door_socket, config_path).run(while_running=announcer.more):
            signal.raise_signal(signal.SIGINT)  # whom it was meant for: the demo as a whole
        return ledger.events(limit=1000)


class Announcer:
    """Says what happens as it happens, line by line."""

    def __init__(
        self, scenes: tuple[Scene, ...], say: Callable[[str], None], *, until_grant: bool = False
    ) -> None:
        """Announce `scenes` when their time has come; with `until_grant`, one grant is the end."""
        self._until_grant = until_grant
        self._scenes = list(scenes)
        self._say = say
        self._started_at: float | None = None
        self._granted_at: float | None = None
        self._told = 0
        self._give_up_at = time.monotonic() + _STARTING_S

    def follow(self, ledger: Ledger, length_s: float) -> None:
        """Read from this ledger; the film takes `length_s` seconds."""
        self._ledger = ledger
        self._length_s = length_s

    def more(self) -> bool:
        """Tell what is new; whether there is more to come."""
        for stored in self._ledger.events(after=self._told):
            self._told = stored.sequence
            self._tell(stored)
        now = time.monotonic()
        if self._started_at is None:
            return now < self._give_up_at
        film_s = now - self._started_at
        if self._granted_at is not None and self._until_grant:
            return now < self._granted_at + _SETTLE_S
        while self._scenes and self._scenes[0].begins_s <= film_s:
            scene = self._scenes.pop(0)
            self._say(f"\n{scene.what} (should be {scene.expected})")
        return film_s < self._length_s + _SETTLE_S

    def _tell(self, stored: StoredEvent) -> None:
        event = stored.event
        if event.reason is Reason.STARTED:
            self._started_at = event.at
        if event.reason is Reason.GRANTED:
            self._granted_at = event.at
        if event.kind not in (EventKind.ACCESS, EventKind.DOOR):
            return
        facts = [f"{key} {value}" for key, value in event.detail.items() if key != "ticket"]
        who = f" {event.person}" if event.person else ""
        self._say(f"  {event.kind.value}: {event.reason.value}{who} ({', '.join(facts)})")
