"""What tests share: the public-domain portraits, loaded models, and where shared data lies."""

from __future__ import annotations

import logging
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from hypothesis import HealthCheck, settings

from edge.believed import enforce
from edge.config import Config
from edge.errors import UsageError
from edge.evaluate.attacks.sitter import (
    FACE_WIDTH,
    SIDE,
    Sitter,
    cut_out,
    eye_corners,
    placing,
)
from edge.ops.demo.animate import Appearance, Stage, close_lids
from edge.ops.demo.film import FPS, SIZE, actors, enrolment_pictures
from edge.vision.portraits import portraits
from edge.vision.stages import Stages
from tests.support.link_parts import Device, Mosquitto

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge.ops.demo.animate import Portrait
    from edge.records import Pixels

pytest_plugins = ["tests.support.commands_made"]
ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("EDGE_DOOR_SHARED", ROOT.parent / "shared"))
CLIPS = SHARED / "data" / "clips"

# A loaded machine makes no example wrong.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole doors, which take longest, begin first: else the cores wait for them at the end."""
    items.sort(key=lambda item: "whole" not in item.path.parts)


@pytest.fixture(scope="session", autouse=True)
def _no_owner_of_this_machine(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whom an installed door of this machine believes is no test's affair, to read or to write.

    The folder is not there, as on a machine where nothing is installed, so that no test leaves an
    owner to the next.
    """
    nowhere = tmp_path_factory.getbasetemp() / "not installed" / "owner.pub"
    os.environ.setdefault("EDGE_DOOR_OWNER", str(nowhere))


@pytest.fixture(autouse=True)
def _believes_afresh() -> None:
    """What the test before has read and sealed binds nobody: programs are processes."""
    enforce(None)


@pytest.fixture(autouse=True)
def _signals_and_log_as_they_were() -> Iterator[None]:
    """A command that was called in this process meant to end with it: nor do its handlers stay."""
    kept = {name: signal.getsignal(name) for name in (signal.SIGINT, signal.SIGTERM)}
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    handlers = list(logging.getLogger().handlers)
    yield
    for name, handler in kept.items():
        signal.signal(name, handler)
    signal.pthread_sigmask(signal.SIG_SETMASK, blocked)
    logging.getLogger().handlers[:] = handlers


@pytest.fixture(scope="session")
def stages() -> Stages:
    return Stages.load(Config())


@pytest.fixture(scope="session")
def pictures() -> list[Pixels]:
    """The two portraits in the public domain, RGB."""
    try:
        found = portraits()
    except UsageError:
        found = []
    if len(found) != 2:
        pytest.skip("needs the portraits of the extra `demo`: pip install -e '.[demo]'")
    return found


@pytest.fixture(scope="session")
def eileen(stages: Stages, pictures: list[Pixels]) -> Portrait:  # noqa: ARG001 - skips without them
    return actors(stages)[0]


@pytest.fixture(scope="session")
def grace(stages: Stages, pictures: list[Pixels]) -> Portrait:  # noqa: ARG001 - skips without them
    return actors(stages)[1]


@pytest.fixture(scope="session")
def sitter(eileen: Portrait) -> Sitter:
    """A portrait whose eyelids can be closed, as all that an attacker has of somebody."""
    place = placing(eileen.landmarks)
    stage = Stage((SIDE, SIDE), FPS, FACE_WIDTH, seed=11)
    return Sitter(
        opened=cut_out(eileen.pixels, place),
        shut=cut_out(close_lids(eileen, 1.0), place),
        eyes=eye_corners(eileen.landmarks, place),
        film=tuple(stage.play(eileen, Appearance(3.0, (1.2,)))),
        film_fps=FPS,
    )


@pytest.fixture(scope="session")
def clips() -> Path:
    if not (CLIPS / "clips.csv").exists():
        pytest.skip(
            f"no clips at {CLIPS}: put the project's shared data beside the checkout, "
            "or set EDGE_DOOR_SHARED"
        )
    return CLIPS


@pytest.fixture(scope="session")
def visitor(tmp_path_factory: pytest.TempPathFactory, eileen: Portrait) -> tuple[Path, Path]:
    """A film in which somebody comes and blinks, again and again, and stills to enrol from."""
    folder = tmp_path_factory.mktemp("visitor")
    stage = Stage(SIZE, FPS, 190, seed=3)
    writer = cv2.VideoWriter(str(folder / "film.avi"), cv2.VideoWriter.fourcc(*"MJPG"), FPS, SIZE)
    for pictures in (
        stage.empty(0.4),
        stage.play(eileen, Appearance(3.0, (1.2,))),
        stage.empty(0.8),
    ):
        for picture in pictures:
            writer.write(np.ascontiguousarray(picture[:, :, ::-1]))
    writer.release()
    return folder / "film.avi", enrolment_pictures(eileen, folder / "stills")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    mosquitto = Mosquitto(tmp_path).start()
    yield mosquitto
    mosquitto.kill()


@pytest.fixture
def device(tmp_path: Path, broker: Mosquitto) -> Iterator[Device]:
    edge_door = Device(tmp_path, broker.port)
    yield edge_door
    edge_door.close()
