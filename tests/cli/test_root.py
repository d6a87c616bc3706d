"""The list of commands is what the modules define; each imports no more than it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edge import cli
from edge.cli.root import COMMANDS, Listed
from edge.interrupt import INTERRUPTED
from tests.support.forked import unmeasured

SEEING = {
    *("door.demo", "door.doctor", "people.enrol", "people.destination"),
    *(f"measure.{name}" for name in ("accuracy", "adapt", "compare", "liveness", "models")),
}
"""Modules whose commands look at pictures."""
HEAVY = {"cv2", "numpy"}
MODULES = sorted(
    (
        f"{path.parent.name}.{path.stem}"
        for path in Path(cli.__file__).parent.glob("*/*.py")
        if path.stem not in {"__init__", "base"}
    ),
    key=lambda module: (module in SEEING, module),
)
"""Those that see are the last: what they import must not hide in whom it was imported before."""


@pytest.mark.parametrize(("name", "listed"), COMMANDS.items())
def test_a_command_is_where_the_list_says_and_helps_with_the_same_words(
    name: str, listed: tuple[str, ...]
) -> None:
    command = Listed(name, *listed).load()
    assert command.help.splitlines()[0] == listed[0]


def test_modules_bring_listed_commands_and_no_more_than_they_need() -> None:
    script = (
        "import importlib, sys, typer; from edge.cli.root import app\n"
        f"for module in {MODULES}:\n"
        "    importlib.import_module(f'edge.cli.{module}')\n"
        f"    print(module, *{HEAVY} & sys.modules.keys())\n"
        "print(*typer.main.get_command(app).loaded)"
    )
    *lines, defined = _python(script).splitlines()
    brought = {module: heavy for module, *heavy in map(str.split, lines)}
    assert list(brought) == MODULES
    assert {module for module, heavy in brought.items() if heavy} <= SEEING
    assert set(defined.split()) <= COMMANDS.keys()


def test_help_needs_no_configuration() -> None:
    script = "import edge.cli, sys; print(*sys.modules)"
    assert not {*HEAVY, "pydantic", "edge.config", "sqlite3"} & {*_python(script).split()}


def _python(script: str) -> str:
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=unmeasured())
    return done.stdout


def test_ctrl_c_is_quiet_while_the_command_is_still_imported(tmp_path: Path) -> None:
    pressed = "import os, signal; os.kill(os.getpid(), signal.SIGINT)"
    (tmp_path / "typer.py").write_text(pressed)
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from edge.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (INTERRUPTED, "", "")


@pytest.mark.parametrize("raised", ["PermissionError(13, 'Permission denied', '/x')", "a_leaf()"])
def test_who_may_not_is_told_to_use_sudo_and_asked_wrongly(raised: str) -> None:
    script = (
        "import sys; from edge.cli import main, root; from edge.errors import VaultError\n"
        "def a_leaf():\n"
        "    error = VaultError('/x cannot be read: Permission denied.')\n"
        "    error.__cause__ = PermissionError()\n"
        "    return error\n"
        f"def app(): raise {raised}\n"
        "root.app = app; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "Permission denied. " in done.stderr
