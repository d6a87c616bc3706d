"""Where nothing can be emulated: skip with a reason that helps, or fail if it was asked for."""

from __future__ import annotations

import os

import pytest

from tests.emulated import machine


@pytest.fixture(scope="session", autouse=True)
def _able() -> None:
    if why := machine.missing():
        if os.environ.get("EDGE_DOOR_TEST_REQUIRED"):  # test.sh --emulated sets it
            pytest.fail(why)
        pytest.skip(why)
