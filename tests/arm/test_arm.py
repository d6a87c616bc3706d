"""aarch64: the real wheels compute what they compute here. Not timed: nothing of it is a board."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest

from edge.vision.models.known import furthest
from edge.vision.models.manifest import read_manifest
from edge.vision.models.runtimes import RUNTIMES, available
from tests.conftest import ROOT
from tests.cost.baseline import MORE, baseline
from tests.cost.frames import COUNTED, WARM_UP

if TYPE_CHECKING:
    from edge.vision.models.known import Answers
    from tests.arm.board import Board

pytestmark = [pytest.mark.arm, pytest.mark.timeout(7200)]

MODELS = sorted(read_manifest().models)
FRAMES = "8"
"""In so many the detector and the embedder are due twice."""
ROOMS = (
    "tests/wire",
    "tests/access/test_gallery.py",
    "tests/door/test_machine.py",
    "tests/ledger/test_seal.py",
    "tests/link/test_outbox.py",
    "tests/vision/faces/test_decoders.py",
    "tests/vision/liveness/test_blink.py",
    "tests/vision/models/test_known.py",
    "tests/vision/models/test_models.py",
    "tests/vision/test_stillness.py",
)
"""Fast tests of what another processor, its wheels and its file formats could change: networks,
vectors and their index, cryptography, SQLite, sockets."""
ALIKE = 0.995
"""Cosine of a face's two vectors. OpenCV rounds crops another way there: 0.998 was seen."""
ONE_STEP = 0.02
"""Of the distance between the answers to two faces: an int8 network's outputs lie further apart."""


@pytest.fixture(scope="session", params=[each.name for each in RUNTIMES])
def runtime(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def here(runtime: str) -> dict[str, Answers]:
    if runtime not in {each.name for each in available()}:
        pytest.skip(f"{runtime} is not installed here to compare with")
    command = [sys.executable, "-m", "tests.arm.answers", runtime, *MODELS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return answers(done.stdout)


@pytest.fixture(scope="session")
def there(board: Board, runtime: str) -> dict[str, Answers]:
    """All that it answers: where the runtime dies of a model, it goes on with the next one."""
    said: dict[str, Answers] = {}
    left = MODELS
    while left:
        new = answers(board.python("-m", "tests.arm.answers", runtime, *left).stdout)
        said |= new
        left = left[len(new) + 1 :]
    return said


@pytest.fixture(scope="session")
def chosen(board: Board) -> list[str]:
    """The runtimes that the product takes there."""
    script = (
        "from edge.vision.models.runtimes import available; print(*(r.name for r in available()))"
    )
    return board.python("-c", script).stdout.split()


def answers(lines: str) -> dict[str, Answers]:
    return {name: said for _, name, said in map(json.loads, lines.splitlines())}


def test_it_is_such_a_board(board: Board) -> None:
    script = "import platform; print(platform.machine(), open('/proc/cpuinfo').read())"
    said = board.python("-c", script).stdout
    assert said.startswith("aarch64")
    assert "Raspberry Pi" in said


@pytest.mark.parametrize("name", MODELS)
def test_a_model_answers_as_it_does_here(
    name: str,
    runtime: str,
    chosen: list[str],
    here: dict[str, Answers],
    there: dict[str, Answers],
) -> None:
    off = furthest(there[name], here[name]) if name in there else math.inf  # it died
    if off > ONE_STEP and runtime not in chosen:
        pytest.xfail(f"{runtime} is off by {off:.2f}, and never chosen there")
    assert off <= ONE_STEP


def steps(lines: str) -> list[dict[str, list[float]]]:
    return [json.loads(line) for line in lines.splitlines()]


def test_frames_show_what_they_show_here(board: Board) -> None:
    steps_of = ("-m", "tests.arm.steps", FRAMES)
    done = board.python(*steps_of)
    command = [sys.executable, *steps_of]
    expected = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    there, here = steps(done.stdout), steps(expected.stdout)
    assert len(there) == len(here), done.stderr[-2000:]
    for one, other in zip(there, here, strict=True):
        np.testing.assert_allclose(one["five"], other["five"], atol=0.3)  # pixels; 0.21 was seen
        np.testing.assert_allclose(one["openings"], other["openings"], atol=0.01)
        np.testing.assert_allclose(one["shut"], other["shut"], atol=0.3)
        assert len(one["vector"]) == len(other["vector"])
        if one["vector"]:
            assert float(np.dot(one["vector"], other["vector"])) > ALIKE


def test_the_default_runtime_computes_every_model(board: Board) -> None:
    done = board.python("-m", "edge", "models", "verify", "--json")
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert json.loads(done.stdout)["ok"]


def test_the_bench_measures(board: Board) -> None:
    done = board.python("-m", "edge", "bench", "--steps", "10", "--json")
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["machine"] == "aarch64"
    assert found["stages"].keys() >= {"detect", "landmarks", "embed", "eyelids", "checks"}


@pytest.mark.parametrize("tests", ROOMS)
def test_the_tests_of_what_differs_by_machine_pass(board: Board, tests: str) -> None:
    done = board.python("-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout=3600", tests)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-1000:]


def test_no_more_instructions_than_before(board: Board) -> None:
    few, many = (
        board.instructions("-m", "tests.arm.steps", str(frames))
        for frames in (WARM_UP, WARM_UP + COUNTED)
    )
    millions = (many - few) / COUNTED / 1e6
    known = baseline()["million_instructions_a_frame_aarch64"]
    print(f"{millions:.1f} million instructions a frame")
    assert millions <= MORE * known, f"{millions:.1f}, before {known}"
