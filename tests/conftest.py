"""What tests share: the public-domain portraits, loaded models, and where shared data lies."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from edge.config import Config
from edge.ops.demo.film import portraits
from edge.sight.pipeline import Stages

if TYPE_CHECKING:
    from edge.ops.demo.animate import Portrait

ROOT = Path(__file__).parents[1]
SHARED = Path(os.environ.get("EDGE_DOOR_SHARED", ROOT.parent / "shared"))
CLIPS = SHARED / "data" / "clips"


@pytest.fixture(scope="session")
def stages() -> Stages:
    return Stages.load(Config())


@pytest.fixture(scope="session")
def eileen(stages: Stages) -> Portrait:
    return portraits(stages)[0]


@pytest.fixture(scope="session")
def grace(stages: Stages) -> Portrait:
    return portraits(stages)[1]


@pytest.fixture(scope="session")
def clips() -> Path:
    if not (CLIPS / "clips.csv").exists():
        pytest.skip(
            f"no clips at {CLIPS}: put the project's shared data beside the checkout, "
            "or set EDGE_DOOR_SHARED"
        )
    return CLIPS
