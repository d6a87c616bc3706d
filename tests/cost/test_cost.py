"""Memory of a door at work and instructions of a frame against what was committed."""

from __future__ import annotations

import compileall
import os
import re
import shutil
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from edge.records import EventKind, Reason
from tests.conftest import ROOT
from tests.cost.baseline import MORE, baseline
from tests.cost.frames import COUNTED
from tests.cost.start import ready, starts
from tests.support.running import Door
from tests.support.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.cost, pytest.mark.timeout(3600)]

READY_S = 1.0
"""Of processor's time before sight is ready: it is to be within 1.5 s of the clock, also where the
other programs start beside it."""
IDLE, WATCHED_S = 0.05, 20.0
"""Share of one core that sight takes with nobody in front of 640x480 pixels, 30 times a second."""
MOST_MB = {"sight": 110.0, "link": 35.0, "supervisor": 25.0, "guard and warden": 12.0}


@pytest.fixture
def busy(tmp_path: Path, visitor: tuple[Path, Path]) -> Iterator[Door]:
    """A door that somebody comes to again and again, and whose broker is away."""
    compileall.compile_dir(ROOT / "edge", quiet=1)  # as pip leaves it: compiling takes memory
    film, stills = visitor
    broker = {"host": "127.0.0.1", "port": 9, "tls": False}
    models = {"threads": 1}
    camera, access = {"loop": True}, {"cooldown_s": 0.3}
    door = Door(tmp_path, film, camera=camera, access=access, mqtt=broker, models=models)
    door.enroll("Eileen", "--from", str(stills))
    with door:
        # However slow the machine: by then every model has been loaded and people looked at, and
        # link has tried to reach the broker.
        until(lambda: any(event.kind is EventKind.ACCESS for event in door.events()), 240)
        until(lambda: "nothing listens" in door.log(), 240)
        yield door


def test_no_more_memory_than_before(busy: Door) -> None:
    found, known = weighed(busy), baseline()["private_mb"]
    assert found.keys() == MOST_MB.keys(), found
    shares = {name: weight.proportional for name, weight in found.items()}
    print(found)
    assert all(mb <= MOST_MB[name] for name, mb in shares.items()), shares
    own = {name: weight.private for name, weight in found.items()}
    assert all(mb <= MORE * known[name] for name, mb in own.items()), f"{own}, before {known}"


def test_no_more_instructions_than_before(tmp_path: Path) -> None:
    """Counted by callgrind, which shows programs a processor without AVX-512."""
    if not shutil.which("valgrind"):
        pytest.skip("needs valgrind: ./deploy/test.sh --cost installs it")
    tool = ["valgrind", "--tool=callgrind", "--instr-atstart=no"]
    out = f"--callgrind-out-file={tmp_path}/out"
    done = subprocess.run(
        [*tool, out, sys.executable, "-m", "tests.cost.frames"],
        cwd=ROOT,
        env=os.environ | {"PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"Collected : (\d+)", done.stderr)
    assert found, done.stderr[-2000:]
    millions, known = int(found[1]) / COUNTED / 1e6, baseline()["million_instructions_a_frame"]
    print(f"{millions:.1f} million instructions a frame")
    assert millions <= MORE * known, f"{millions:.1f}, before {known}"


def test_ready_soon(tmp_path: Path) -> None:
    found = {each.program: each for each in starts(tmp_path, 1)}
    print(found)
    assert found["sight"].processor <= READY_S


def test_nobody_costs_little(tmp_path: Path) -> None:
    path = tmp_path / "wall.avi"
    film = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 30, (640, 480))
    for number in range(60):  # plain, so that decoding it takes little, and never the same twice
        film.write(np.full((480, 640, 3), 90 + number % 4, np.uint8))
    film.release()
    with Door(tmp_path, path, camera={"loop": True}, models={"threads": 1}) as door:
        until(lambda: Reason.STARTED in door.reasons())
        sight = door.pid_of("sight")
        assert sight is not None
        begin = ready("sight", sight)
        until(lambda: ready("sight", sight).wall >= begin.wall + WATCHED_S)
        end = ready("sight", sight)
    share = (end.processor - begin.processor) / (end.wall - begin.wall)
    print(f"{share:.3f} of a core")
    assert share <= IDLE


@dataclass(slots=True)
class Weight:
    """Memory of one program, MB: its own, and with its share of what it has with others."""

    private: float = 0.0
    proportional: float = 0.0


def weighed(door: Door) -> dict[str, Weight]:
    """Each program of this door."""
    found: dict[str, Weight] = defaultdict(Weight)
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_text().split("\0")
            rollup = (entry / "smaps_rollup").read_text()
        except OSError:  # it has just ended
            continue
        name = _program(words) if any(str(door.folder) in word for word in words) else None
        if name:
            found[name].private += _mb(rollup, "Private_Clean") + _mb(rollup, "Private_Dirty")
            found[name].proportional += _mb(rollup, "Pss")
    return dict(found)


def _mb(rollup: str, what: str) -> float:
    found = re.search(rf"^{what}:\s+(\d+) kB", rollup, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0


def _program(words: list[str]) -> str | None:
    known = {
        "edge.ops.supervisor": "supervisor",
        "sight": "sight",
        "link": "link",
        "edge.door.guard": "guard and warden",
        "edge.door.warden": "guard and warden",
    }
    return next((known[word] for word in words if word in known), None)
