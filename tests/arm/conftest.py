"""The board, made once a worker."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.arm.board import Board


@pytest.fixture(scope="session")
def board() -> Board:
    wanted = ("qemu-aarch64-static", "qemu-aarch64", "gcc", "unshare")
    missing = [name for name in wanted if not shutil.which(name)]
    if missing or os.geteuid():
        why = f"needs {' and '.join(missing) or 'root'}: run ./deploy/test.sh --arm as root"
        if os.environ.get("EDGE_DOOR_TEST_REQUIRED"):
            pytest.fail(why)
        pytest.skip(why)
    return Board()
