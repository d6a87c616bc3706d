"""`edge-door` as a process of its own, forked from one that has imported it all.

Importing takes most of a command's time. Where starting a program is what is tested, a test runs
`python -m edge`.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from multiprocessing.process import BaseProcess
from pathlib import Path
from threading import Lock
from unittest.mock import patch

from edge.cli import main
from edge.cli.root import COMMANDS

_STARTING = Lock()
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    [
        "tests.support.forked",
        *(f"edge.cli.{module}" for _, *modules in COMMANDS.values() for module in modules),
        "encodings.ascii",  # a door's user may not be able to read this Python
        "edge.fleet.collector.process",
        "edge.fleet.simulate.run",
        "edge.link.process",
        "edge.vision.stages",
        "edge.vision.pipeline",
        "tests.support.commands_made",
    ]
)


def edge_door(*arguments: str, timeout_s: float = 240) -> subprocess.CompletedProcess[str]:
    """Run `edge-door ARGUMENTS` to its end, here and in this environment."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        given = (arguments, dict(os.environ), Path.cwd(), out, err)
        process = CONTEXT.Process(target=_be, args=given)
        _start(process)
        process.join(timeout_s)
        if process.exitcode is None:
            process.kill()
            process.join()
            raise subprocess.TimeoutExpired(["edge-door", *arguments], timeout_s)
        code = process.exitcode
        return subprocess.CompletedProcess(arguments, code, out.read_text(), err.read_text())


def _start(process: BaseProcess) -> None:
    """Start it without the script that we run in, which it would run once more."""
    with _STARTING, patch.object(sys.modules["__main__"], "__file__", None, create=True):
        process.start()


def unmeasured() -> dict[str, str]:
    """The environment without coverage, which imports modules and writes files of its own."""
    return {key: value for key, value in os.environ.items() if not key.startswith("COVERAGE_")}


def _be(
    arguments: tuple[str, ...], environment: dict[str, str], cwd: Path, out: Path, err: Path
) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(cwd)
    for path, number in ((out, 1), (err, 2)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT)
        os.dup2(file, number)
        os.close(file)
    sys.argv = ["edge-door", *arguments]
    main()
