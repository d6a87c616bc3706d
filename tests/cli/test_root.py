"""The list of commands is what the modules define; each imports no more than it needs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edge import cli
from edge.cli.root import COMMANDS, Listed

SEEING = {
    *("door.seeing", "door.demo", "door.doctor", "people.enrol", "people.for_group"),
    *(f"measure.{name}" for name in ("accuracy", "adapt", "compare", "liveness", "models")),
}
"""Modules whose commands look at pictures."""
HEAVY = {"cv2", "numpy"}
MODULES = sorted(
    f"{path.parent.name}.{path.stem}"
    for path in Path(cli.__file__).parent.glob("*/*.py")
    if path.stem not in {"__init__", "base", "service"}
)


@pytest.mark.parametrize(("name", "listed"), COMMANDS.items())
def test_a_command_is_where_the_list_says_and_helps_with_the_same_words(
    name: str, listed: tuple[str, ...]
) -> None:
    command = Listed(name, *listed).load()
    assert command.help.splitlines()[0] == listed[0]


@pytest.mark.parametrize("module", MODULES)
def test_a_module_brings_listed_commands_and_no_more_than_it_needs(module: str) -> None:
    script = (
        f"import edge.cli.{module}, sys, typer; from edge.cli.root import app; "
        "print(*typer.main.get_command(app).loaded); print(*sys.modules)"
    )
    defined, imported = (set(line.split()) for line in _python(script).splitlines())
    assert defined <= COMMANDS.keys()
    assert module in SEEING or not imported & HEAVY


def test_help_needs_no_configuration() -> None:
    script = "import edge.cli, sys; print(*sys.modules)"
    assert not {*HEAVY, "pydantic", "edge.config", "sqlite3"} & {*_python(script).split()}


def _python(script: str) -> str:
    command = [sys.executable, "-c", script]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def test_ctrl_c_is_quiet_while_the_command_is_still_imported(tmp_path: Path) -> None:
    pressed = "import os, signal; os.kill(os.getpid(), signal.SIGINT)"
    (tmp_path / "typer.py").write_text(pressed)
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); from edge.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (cli.INTERRUPTED, "", "")
