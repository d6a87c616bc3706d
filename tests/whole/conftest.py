"""What whole doors share: to enrol takes longer than many a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.running import Door

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="session")
def enrolled(tmp_path_factory: pytest.TempPathFactory, visitor: tuple[Path, Path]) -> Path:
    """The state of a door that knows the visitor as Eileen."""
    door = Door(tmp_path_factory.mktemp("enrolled"), visitor[0])
    door.enroll("Eileen", "--from", str(visitor[1]))
    return door.config.paths.state
