"""Where nothing can be emulated: skip with a reason that helps, or fail if it was asked for."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.emulated import machine

LIST = ("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")


@pytest.fixture(scope="session", autouse=True)
def _able() -> None:
    if why := machine.missing():
        if os.environ.get("EDGE_DOOR_TEST_REQUIRED"):  # test.sh --emulated sets it
            pytest.fail(why)
        pytest.skip(why)


@pytest.fixture(scope="session")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of this checkout as they are now: they must not change on the way."""
    folder = tmp_path_factory.mktemp("checkout")
    folder.chmod(0o755)
    for name in filter(None, machine.sh(*LIST, cwd=machine.REPOSITORY).split("\0")):
        if (machine.REPOSITORY / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(machine.REPOSITORY / name, folder / name)
    return folder
