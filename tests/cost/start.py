"""How soon a door is ready: `python -m tests.cost.start`, from the start of each program.

The three programs begin together, as `edge-door run` starts them; the door is sealed, and knows
somebody. Each tells systemd's socket when it is ready: then its processor's time is read, all
threads together, and how long ago it began. A busy machine lengthens the second, hardly the first.
"""

from __future__ import annotations

import os
import socket
import struct
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING
from unittest.mock import patch

import cv2

from edge.evaluate.bench import frames_of
from edge.vision.portraits import portraits
from tests.support.forked import edge_door
from tests.support.running import Door

if TYPE_CHECKING:
    from collections.abc import Iterator

STARTS = 9
PROGRAMS = ("sight", "link")
"""These say it; they are started when the guard's socket is there."""
_CREDENTIALS = struct.Struct("3i")
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Ready:
    """Seconds from the start of a program until it said so."""

    program: str
    processor: float
    wall: float


def sealed(folder: Path) -> Door:
    """A door that knows somebody, whose files its owner has sealed, and whose broker is away."""
    seen = folder / "seen"
    seen.mkdir()
    film = cv2.VideoWriter(
        str(folder / "film.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 30, (640, 480)
    )
    for frame in frames_of(portraits()[:1], 8):
        film.write(frame.pixels[:, :, ::-1])
        cv2.imwrite(str(seen / f"{frame.sequence}.png"), frame.pixels[:, :, ::-1])
    film.release()
    broker = {"host": "127.0.0.1", "port": 9, "tls": False}
    camera, models = {"loop": True}, {"threads": 1}
    door = Door(folder, folder / "film.avi", mqtt=broker, models=models, camera=camera)
    door.enroll("Eileen", "--from", str(seen))
    os.environ["EDGE_DOOR_OWNER"] = str(folder / "owner.pub")
    key = str(folder / "owner.key")
    for done in edge_door("command", "key", key), door.command("seal", "--key", key):
        assert done.returncode == 0, done.stderr
    return door


def start(door: Door) -> Iterator[Ready]:
    """Start it, hear its programs, stop it."""
    address = door.folder / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(address))
        heard.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        os.environ["NOTIFY_SOCKET"] = str(address)
        waited_for = set(PROGRAMS)
        with door:
            while waited_for:
                said, given, *_ = heard.recvmsg(256, socket.CMSG_SPACE(_CREDENTIALS.size))
                pid, *_ = _CREDENTIALS.unpack(given[0][2])
                program = next((p for p in waited_for if door.pid_of(p) == pid), None)
                if said == b"READY=1" and program:
                    waited_for.remove(program)
                    yield ready(program, pid)
        address.unlink()


def ready(program: str, pid: int) -> Ready:
    """What this process has taken until now."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    user, system, began = (int(fields[place]) / _TICKS for place in (11, 12, 19))
    return Ready(program, user + system, time.clock_gettime(time.CLOCK_BOOTTIME) - began)


def starts(folder: Path, count: int) -> list[Ready]:
    """So many starts of one door that is made in `folder`."""
    with patch.dict(os.environ):
        door = sealed(folder)
        return [each for _ in range(count) for each in start(door)]


def told(spans: list[float]) -> str:
    return f"{median(spans):.2f} s ({min(spans):.2f}-{max(spans):.2f})"


if __name__ == "__main__":
    with TemporaryDirectory() as made:
        found = starts(Path(made), STARTS)
    for name in PROGRAMS:
        spans = [each for each in found if each.program == name]
        processor, wall = [each.processor for each in spans], [each.wall for each in spans]
        print(f"{name}: processor {told(processor)}, by the clock {told(wall)}")
