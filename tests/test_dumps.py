"""Nobody finds a key in what a program leaves when it dies."""

from __future__ import annotations

import subprocess
import sys

TOLD = """
import resource, sys
sys.argv = ["edge-door", "--version"]
from edge.cli import main
try:
    main()
except SystemExit:
    print(*resource.getrlimit(resource.RLIMIT_CORE))
"""


def test_no_command_leaves_a_core_dump() -> None:
    done = subprocess.run([sys.executable, "-c", TOLD], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] in {"1 1", "0 0"}  # 0 where nothing may raise it
