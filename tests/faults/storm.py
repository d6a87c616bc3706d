"""A flood at link and a storm at the exit button, and how long a decision takes meanwhile.

Sight, guard, link and mosquitto are the real ones. EYES is `networks`, which is a whole decision,
or `scripted`: its way without the networks, where a delay that they would drown shows. The programs
have the priorities that `edge-door run` and the units give them. Broker, flooder and button stand
for what no door has on its own processor: they yield to the door at once. Quiet and storm take
turns, so that whatever else this machine does falls on both.

`python -m tests.faults.storm FOLDER PORT TURNS EYES` prints one JSON object; mosquitto listens at
PORT.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from typing_extensions import override

from edge.access.command import public_text
from edge.config import Config, parse
from edge.door.launch import guard_command
from edge.door.pins.fake import Board
from edge.evaluate.bench import frames_of
from edge.ops.supervisor import NETWORK_NICE
from edge.records import Embedding, Evidence, Frame, Quality, Template
from edge.sight.daemon import Sight
from edge.vault.vault import open_vault
from edge.vision.portraits import portraits
from edge.vocabulary import Hint
from tests.faults import scenarios

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from edge.records import Pixels

FPS = 30.0
TURN_S = 8.0
PEOPLE = 50
PICTURES = 48
REX = 27
RATE = 12_000
"""Messages a second; what is asked for is 10,000."""
GOOD = Quality(ok=True, hint=Hint.NONE, face_px=200.0, sharpness=1.0, brightness=120.0)
TOPICS = ("command", "confirm", "lock/set", "claim/set")


def config_in(folder: Path, port: int) -> Config:
    """A door with an exit button and a broker."""
    paths = {"state": str(folder / "state"), "run": str(folder)}
    mqtt = {
        "host": "127.0.0.1",
        "port": port,
        "remote_unlock": True,
        "command_keys": [public_text(scenarios.OPERATOR)],
    }
    door = {"backend": "fake", "rex": {"pin": REX}}
    camera = {"source": str(folder / "none.mp4")}
    return parse({"paths": paths, "mqtt": mqtt, "door": door, "camera": camera}, "storm")


class Ticks:
    """Stands for the feed: a frame when its time has come."""

    lost = None
    lent = False

    def __init__(self, pictures: Sequence[Pixels]) -> None:
        self._sequence = 0
        self._pictures = pictures
        self.begin()

    def begin(self) -> None:
        """From now on: what was due while nobody looked is no late frame."""
        self._due = time.monotonic()

    def next(self, _timeout_s: float) -> Frame:
        """The newest that is due; later ones push out earlier ones, as with a camera."""
        self._due += 1 / FPS
        late = time.monotonic() - self._due
        if late < 0:
            time.sleep(-late)
        else:
            self._due += int(late * FPS) / FPS
        self._sequence += 1
        pixels = self._pictures[self._sequence % len(self._pictures)]
        return Frame(pixels, self._due, self._sequence)

    def close(self) -> None:
        """Nothing is held."""


@dataclass
class Stranger:
    """Stands for the pipeline: somebody whom nobody knows stands there."""

    embedding: Embedding

    def step(self, frame: Frame) -> Evidence:
        """What a frame with an embedding gives."""
        at = frame.captured_at
        return Evidence(at, frame.sequence, 1, quality=GOOD, embedding=self.embedding, track=1)

    def ask_again(self) -> None:
        """Nothing was asked."""


class Watched(Sight):
    """Sight, telling how old each frame is once it was decided on."""

    def __init__(self, config: Config, *, scripted: bool) -> None:
        super().__init__(config)
        self._feed.close()
        self.size = self._calibration.rule.cohort.vectors.shape[1]
        self.model = self._stages.embedder.model_sha256
        pictures = [frame.pixels for frame in frames_of(portraits()[:1], PICTURES)]
        if scripted:
            vector = np.ones(self.size, np.float32) / np.sqrt(np.float32(self.size))
            eyes: Any = Stranger(Embedding(vector, self.model))
            self._pipeline = eyes
        self._ticks = Ticks(pictures)
        feed: Any = self._ticks
        self._feed = feed
        self.ages: list[float] = []

    def for_a_turn(self) -> list[float]:
        """Ages of the frames of one turn, seconds."""
        self._ticks.begin()
        self.ages, end = [], time.monotonic() + TURN_S
        while time.monotonic() < end:
            self._round()
        return self.ages

    @override
    def _look(self, frame: Frame) -> None:
        super()._look(frame)
        self.ages.append(time.monotonic() - frame.captured_at)


def give_way(pid: int = 0) -> None:
    """Have a process, or this one, yield to the door at once, as what is not there at all."""
    os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))


def flood(port: int) -> None:
    """Publish junk at `RATE` until ended."""
    give_way()
    packets = b"".join(_publish(f"facelock/door1/{topic}") for topic in TOPICS) * (RATE // 40)
    count = RATE // 40 * len(TOPICS)
    with socket.create_connection(("127.0.0.1", port)) as sock:
        sock.sendall(b"\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01x")
        sock.recv(4)
        began, sent = time.monotonic(), 0
        while True:
            sock.sendall(packets)
            sent += count
            time.sleep(max(0.0, began + sent / RATE - time.monotonic()))
            sys.stdout.write(f"{sent / (time.monotonic() - began):.0f}\n")
            sys.stdout.flush()


def _publish(topic: str) -> bytes:
    body = json.dumps({"sequence": 0, "chain": "", "resend_from": 1, "nonce": "0" * 32}).encode()
    rest = len(topic).to_bytes(2, "big") + topic.encode() + body
    return bytes([0x30, len(rest) % 128 | 0x80, len(rest) // 128]) + rest


def buttons(folder: Path) -> None:
    """Press and let go of the exit button as fast as it goes, until ended."""
    give_way()
    board = Board(folder)
    while True:
        for high in (False, True):
            board.set_input(REX, high=high)
            time.sleep(0.0005)


@contextmanager
def running(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A program for as long as the block lasts."""
    process = subprocess.Popen(arguments, stderr=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def resident_mb(pid: int) -> float:
    """What a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@dataclass(frozen=True)
class Storm:
    """Who floods the broker, and who plays with the button; they stand for other machines."""

    port: int
    folder: Path

    @contextmanager
    def rages(self) -> Iterator[subprocess.Popen[bytes]]:
        """For as long as the block lasts; the flooder tells its rate at the end."""
        me = (sys.executable, "-m", "tests.faults.storm")
        with (
            running(*me, "flood", str(self.port)) as flooder,
            running(*me, "buttons", str(self.folder)),
        ):
            yield flooder


def measure(
    sight: Watched, storm: Storm, turns: int, watched: dict[str, int]
) -> dict[str, float | list[float]]:
    """Quiet and storm in turn; ages in ms, and what each program held after each storm, MB."""
    quiet: list[list[float]] = []
    stormy: list[list[float]] = []
    rates: list[float] = []
    held: dict[str, list[float]] = {name: [] for name in watched}
    for _ in range(turns):
        quiet.append(sight.for_a_turn())
        with storm.rages() as flooder:
            assert flooder.stdout is not None
            flooder.stdout.readline()  # it has begun
            stormy.append(sight.for_a_turn())
            rates.append(float(flooder.stdout.readline()))
        for name, pid in watched.items():
            held[name].append(round(resident_mb(pid), 1))
    return {
        "frames": sum(map(len, quiet + stormy)),
        **_told("quiet", quiet),
        **_told("storm", stormy),
        "p99 ratio": round(middle(stormy) / middle(quiet), 3),
        "p99 later ms": round(1000 * (middle(stormy) - middle(quiet)), 2),
        "messages a second": round(statistics.median(rates)),
        **{f"{name} MB": sizes for name, sizes in held.items()},
    }


def _told(name: str, turns: list[list[float]]) -> dict[str, float | list[float]]:
    every = [age for turn in turns for age in turn]
    return {
        f"{name} p50 ms": round(1000 * statistics.median(every), 2),
        f"{name} p99 ms": round(1000 * p99(every), 2),
        f"{name} p99 of each turn ms": [round(1000 * p99(turn), 2) for turn in turns],
    }


def middle(turns: list[list[float]]) -> float:
    """The p99 of the turn in the middle: what else a machine does falls on some turns alone."""
    return statistics.median(map(p99, turns))


def p99(values: list[float]) -> float:
    """The 99th percentile."""
    return float(np.percentile(values, 99))


def prepare(config: Config, folder: Path) -> Path:
    """People, and the file of the configuration for the programs."""
    file = folder / "edge-door.toml"
    told = f'[paths]\nstate = "{config.paths.state}"\nrun = "{config.paths.run}"\n'
    mqtt = f'[mqtt]\nhost = "127.0.0.1"\nport = {config.mqtt.port}\nremote_unlock = true\n'
    keys = f'command_keys = ["{config.mqtt.command_keys[0]}"]\n'
    file.write_text(told + mqtt + keys, encoding="utf-8")
    return file


def enrol(config: Config, model: str, size: int) -> None:
    """People of whom the stranger is none."""
    dice = np.random.default_rng(1)
    with open_vault(config) as vault:
        for number in range(PEOPLE):
            vectors = dice.normal(size=(3, size)).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            vault.add(Template(f"Person {number}", vectors, model))


def main() -> int:
    """One measurement."""
    if sys.argv[1] == "flood":
        flood(int(sys.argv[2]))
    if sys.argv[1] == "buttons":
        buttons(Path(sys.argv[2]))
    folder, port, turns = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    config = config_in(folder, port)
    file = prepare(config, folder)
    Board(folder).set_input(REX, high=True)
    behind = ("nice", "-n", str(NETWORK_NICE))
    link = [*behind, sys.executable, "-m", "edge", "link", "--config", str(file)]
    with running(*guard_command(config)) as guard:
        sight = Watched(config, scripted=sys.argv[4] == "scripted")
        enrol(config, sight.model, sight.size)
        with running(*link) as network:
            sight.for_a_turn()
            storm = Storm(port, folder)
            watched = {"sight": os.getpid(), "link": network.pid, "guard": guard.pid}
            figures = measure(sight, storm, turns, watched)
        sight.close()
    sys.stdout.write(json.dumps(figures) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
