"""The installer's parts that need neither root nor a board; tests/emulated runs it whole."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"


def install(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", str(DEPLOY / "install.sh"), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def test_without_root_it_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    somebody = tmp_path / "id"
    somebody.write_text("#!/bin/sh\necho 1000\n")
    somebody.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    done = install()
    assert done.returncode == 1
    assert done.stderr == (
        "install.sh: this changes the system and needs root. Run: sudo ./deploy/install.sh\n"
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--nonsense"], "there is no option --nonsense; --help lists them."),
        (["--keep-data"], "--keep-data goes with --uninstall."),
        (["--wheels", "/no/such/folder"], "--wheels needs a folder with Python wheels."),
        (["--wheels"], "--wheels needs a folder with Python wheels."),
    ],
)
def test_a_wrong_option_is_refused_before_anything_is_done(
    arguments: list[str], sentence: str
) -> None:
    done = install(*arguments)
    assert done.returncode == 2
    assert done.stderr == f"install.sh: {sentence}\n"


def test_help_lists_every_option() -> None:
    done = install("--help")
    assert done.returncode == 0
    for option in ("--wheels", "--no-start", "--uninstall", "--keep-data"):
        assert option in done.stdout
    assert "set -euo" not in done.stdout


def test_the_shell_scripts_are_clean() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is missing: apt-get install shellcheck")
    scripts = [str(path) for path in sorted(DEPLOY.glob("*.sh"))]
    done = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
