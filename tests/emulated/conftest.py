"""Skip, with a reason that helps, where nothing can be emulated."""

from __future__ import annotations

import pytest

from tests.emulated import machine


@pytest.fixture(scope="session", autouse=True)
def _able() -> None:
    if why := machine.missing():
        pytest.skip(why)
