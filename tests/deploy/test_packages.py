"""What install.sh asks for exists for each board that the README names.

Debian's part is resolved by apt from Debian's own indices for arm64, Python's from PyPI for that
system's Python. Raspberry Pi's and Ubuntu's archives have others: what stands there alone is named.
"""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from edge.vision.models.manifest import read_toml
from tests.conftest import ROOT
from tests.emulated.debian import Suite, mirror

INSTALLER = (ROOT / "deploy/install.sh").read_text()
LOCK = ROOT / "deploy/requirements.lock"
NOT_DEBIANS = {
    "bookworm": {"python3-picamera2", "python3-rpi-lgpio"},
    "trixie": {"python3-picamera2", "python3-rpi-lgpio"},
}
"""In the archive of Raspberry Pi OS alone."""

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@dataclass(frozen=True)
class System:
    """A system that install.sh knows."""

    name: str
    python: str
    glibc: int
    """The second number of its version, 2.NN; at most the newest that uv knows."""


SYSTEMS = (
    System("Raspberry Pi OS 12", "3.11", 36),
    System("Raspberry Pi OS 13", "3.13", 40),
    System("JetPack 6", "3.10", 35),
)


def reachable(host: str, port: int) -> None:
    try:
        socket.create_connection((host, port), 10).close()
    except OSError as error:
        pytest.skip(f"{host} cannot be reached from here: {error}")


def wanted(board: str) -> set[str]:
    """The Debian packages of one board, as install.sh has them."""
    (base,) = re.findall(r"wanted=\(([^)]*)\)", INSTALLER)
    (own,) = re.findall(rf"^    {board}\)[^(]*wanted\+=\(([^)]*)\)", INSTALLER, re.MULTILINE)
    return {*base.split(), *own.split()}


def test_the_lists_are_found() -> None:
    assert {"python3-venv", "python3-picamera2"} <= wanted("pi5")
    assert "python3-gi" in wanted("jetson")


@pytest.mark.parametrize("suite", NOT_DEBIANS)
@pytest.mark.parametrize("board", ["pi", "pi5", "jetson"])
def test_debians_packages_for_arm64(suite: str, board: str) -> None:
    for program in ("apt-get", "dpkg"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is missing")
    place = urllib.parse.urlsplit(mirror())
    reachable(str(place.hostname), place.port or 80)
    indices = Suite(suite, "arm64")
    lacking = {name for name in wanted(board) if not indices.has(name)}
    assert lacking == wanted(board) & NOT_DEBIANS[suite]
    assert indices.plan(*(wanted(board) - lacking))


@pytest.mark.parametrize("machine", ["aarch64", "x86_64"])
@pytest.mark.parametrize("system", SYSTEMS, ids=[system.name for system in SYSTEMS])
def test_every_locked_package_has_a_wheel_for_it(
    system: System, machine: str, tmp_path: Path
) -> None:
    """Of the very bytes that the lock names, for that Python, libc and processor."""
    reachable("pypi.org", 443)
    platform = f"--python-platform={machine}-manylinux_2_{system.glibc}"
    resolve(
        *(f"--python-version={system.python}", platform, "--only-binary=:all:"),
        *("--require-hashes", "-r", LOCK, f"--target={tmp_path}"),
        tool="uv",
    )


def test_pip_takes_the_lock_here(tmp_path: Path) -> None:
    """uv does not heed a package's newest Python, and pip asks this one alone."""
    reachable("pypi.org", 443)
    target = f"--target={tmp_path}"
    resolve("--require-hashes", "-r", LOCK, "--ignore-installed", "--no-deps", target, tool="pip")


def test_a_jetsons_pin_library_is_there(tmp_path: Path) -> None:
    reachable("pypi.org", 443)
    extras = read_toml(ROOT / "pyproject.toml")["project"]["optional-dependencies"]
    (wanted,) = map(Requirement, extras["jetson"])
    named = f"{wanted.name}{wanted.specifier}"
    resolve(named, "--python-version=3.10", "--no-deps", f"--target={tmp_path}", tool="uv")


def resolve(*arguments: object, tool: str) -> None:
    command = [sys.executable, "-m", *(["uv", "pip"] if tool == "uv" else ["pip"]), "install"]
    options = ["--quiet", "--dry-run", *(["--no-config"] if tool == "uv" else [])]
    told = subprocess.run(
        [*command, *options, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout[-2000:]
