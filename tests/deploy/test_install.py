"""The installer's parts that need neither root nor a board; tests/emulated runs it whole."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
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


@pytest.mark.parametrize(
    ("written", "code"), [("[access]\nlockout_s = 1800\n", 2), ("[access]\n", 0), (None, 0)]
)
def test_what_the_new_version_refuses_is_told_while_the_door_still_runs(
    tmp_path: Path, written: str | None, code: int
) -> None:
    script = (DEPLOY / "install.sh").read_text()
    functions = re.findall(r"^(?:stop|check_config)\(\) \{.*?^\}", script, re.DOTALL | re.MULTILINE)
    config, python = tmp_path / "edge-door.toml", tmp_path / "venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    if written is not None:
        config.write_text(written)
    places = f"checkout={DEPLOY.parent} program={tmp_path} config={config}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "\n".join([places, *functions, "check_config"])],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert ("the door runs on" in done.stderr) == ("lockout_s" in done.stderr) == (code == 2)
    body = script[script.index("install_all() {") :]
    assert body.index("check_config") < body.index("stop_services")


def test_the_shell_scripts_are_clean() -> None:
    if shutil.which("shellcheck") is None:
        pytest.skip("shellcheck is missing: apt-get install shellcheck")
    scripts = [str(path) for path in sorted(DEPLOY.glob("*.sh"))]
    done = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", ["demo", "fleet", "lock", "sbom", "test"])
def test_help_comes_before_anything_is_set_up(name: str, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    done = subprocess.run(
        [DEPLOY / f"{name}.sh", "--help"],
        env={**os.environ, "EDGE_DOOR_VENV": str(environment)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr, environment.exists()) == (0, "", False)
    assert f"./deploy/{name}.sh" in done.stdout


def test_programs_start_from_the_update_in_force(tmp_path: Path) -> None:
    program = tmp_path / "releases" / "7" / "program"
    program.mkdir(parents=True)
    (program / "edge.py").write_text("print('release 7')")
    line = (DEPLOY / "edge-door-release.pth").read_text()
    (tmp_path / "x.pth").write_text(line.replace("/opt/edge-door", str(tmp_path)))
    started = ["-c", f"import site; site.addsitedir({str(tmp_path)!r}); import edge"]
    for target, said in (("no-such", ""), ("releases/7", "release 7\n")):
        (tmp_path / "release").unlink(missing_ok=True)
        (tmp_path / "release").symlink_to(tmp_path / target)
        done = subprocess.run(
            [sys.executable, *started],
            capture_output=True,
            text=True,
            check=False,
            cwd=DEPLOY.parent,
        )
        assert (done.stdout, done.returncode) == (said, 0)
