"""A door without a camera, and somebody's pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from edge.ops.demo.film import enrolment_pictures
from tests.support.running import Door

if TYPE_CHECKING:
    from pathlib import Path

    from edge.ops.demo.animate import Portrait


@pytest.fixture
def stills(tmp_path: Path, eileen: Portrait) -> Path:
    return enrolment_pictures(eileen, tmp_path / "eileen")


@pytest.fixture
def door(tmp_path: Path) -> Door:
    return Door(tmp_path, "/dev/video99")
