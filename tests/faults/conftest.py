"""The shim, compiled once."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    gcc = shutil.which("gcc")
    if gcc is None:
        if os.environ.get("EDGE_DOOR_TEST_REQUIRED"):
            pytest.fail("gcc is missing: apt-get install gcc")
        pytest.skip("no gcc here: apt-get install gcc")
    made = tmp_path_factory.mktemp("shim") / "shim.so"
    source = Path(__file__).parent / "shim.c"
    command = [gcc, "-shared", "-fPIC", "-O1", "-Wall", "-o", str(made), str(source), "-ldl"]
    subprocess.run(command, check=True)
    return made
