"""aarch64: a whole door. A file of its own, for it takes as long as all else and runs beside it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.arm.board import Board

pytestmark = [pytest.mark.arm, pytest.mark.timeout(7200)]


def test_the_demo_shows_all_three_visits(board: Board) -> None:
    """Camera, guard, link and broker as on a board, by a slow clock."""
    done = board.python("-m", "edge", "demo", "--json", slowly=True)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    found = json.loads(done.stdout)
    assert found["granted"] == 1
    assert found["denied"].keys() >= {"no_match", "not_live"}
