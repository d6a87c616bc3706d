"""A Debian of its own, made by debootstrap and booted with systemd as its first process."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.emulated.debian import CACHE, bootstrapped, sh

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FRESH = "systemd,systemd-sysv,dbus,udev,procps,ca-certificates,adduser,passwd,python3"
# What install.sh asks of Debian is there already: the guest boots without a network.
PACKAGES = f"{FRESH},python3-venv,mosquitto,jq"
FETCH = """
python3 -m venv /tmp/venv
cd /tmp
/tmp/venv/bin/pip download --quiet --dest /wheels pip setuptools hatchling
/tmp/venv/bin/pip download --quiet --dest /wheels -r /src/deploy/requirements.lock
rm --force /wheels/edge_door*
touch /wheels/.fetched
"""
SERVICE = """[Unit]
Description=the test
After=multi-user.target mosquitto.service

[Service]
Type=oneshot
ExecStart=/bin/bash /src/tests/emulated/{script}
TimeoutStartSec=infinity

[Install]
WantedBy=default.target
"""
BOOTS = 2
LIMIT_S = 900.0
NEEDED = {"debootstrap": "debootstrap", "systemd-nspawn": "systemd-container"}


def missing() -> str:
    """Why no Debian can be booted here; else empty."""
    if os.geteuid() != 0:
        return "booting a Debian needs root"
    lacking = sorted({name for program, name in NEEDED.items() if shutil.which(program) is None})
    return f"not installed: apt-get install {' '.join(lacking)}" if lacking else ""


def _nspawn(root: Path, *options: str) -> list[str]:
    return [
        *("systemd-nspawn", "--quiet", "--register=no", "--keep-unit"),
        f"--directory={root}",
        *options,
    ]


def base(suite: str) -> Path:
    """The root of a fresh Debian, made once."""
    return bootstrapped(suite, f"root-{suite}", PACKAGES)


def wheels(suite: str, checkout: Path) -> Path:
    """All Python packages that an installation there needs, downloaded once for its Python."""
    folder = CACHE / f"wheels-{suite}"
    wanted = (checkout / "deploy/requirements.lock").read_text()
    done = folder / ".complete"
    if not done.exists() or done.read_text() != wanted:
        folder.mkdir(exist_ok=True)
        authorities = os.environ.get("PIP_CERT", "/etc/ssl/certs/ca-certificates.crt")
        fetched = subprocess.run(
            [
                *_nspawn(base(suite), "--pipe", "--volatile=overlay"),
                *(f"--bind-ro={checkout}:/src", f"--bind={folder}:/wheels"),
                *(f"--bind-ro={authorities}:/authorities", "--setenv=PIP_CERT=/authorities"),
                *("bash", "-ec", FETCH),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,  # nspawn itself fails at its end where /run is no tmpfs
        )
        if not (folder / ".fetched").exists():
            raise RuntimeError(f"the packages for {suite} could not be fetched:\n{fetched.stdout}")
        (folder / ".fetched").unlink()
        done.write_text(wanted)
    return folder


@contextmanager
def scripted(
    suite: str, checkout: Path, script: str, binds: dict[str, Path], results: Path
) -> Iterator[None]:
    """A fresh Debian that has run a script of this folder from its start to its end."""
    root = CACHE / f"booted-{suite}-{script}"
    packages = wheels(suite, checkout)
    shutil.rmtree(root, ignore_errors=True)
    sh("cp", "--archive", "--reflink=auto", base(suite), root)
    try:
        service = SERVICE.format(script=script)
        (root / "etc/systemd/system/trial.service").write_text(service)
        wants = root / "etc/systemd/system/multi-user.target.wants"
        wants.mkdir(exist_ok=True)
        (wants / "trial.service").symlink_to("/etc/systemd/system/trial.service")
        boot(root, {"/src": checkout, "/wheels": packages, **binds}, results, LIMIT_S)
        yield
    finally:
        shutil.rmtree(root, ignore_errors=True)


def boot(
    root: Path, binds: dict[str, Path], results: Path, limit_s: float, *, network: bool = False
) -> None:
    """Boot, and boot again where the guest asks for it, until it leaves a file `done` or gives up.

    What it shows on its console goes to `results/console`. With `network` it has this machine's.
    """
    command = [
        *_nspawn(root, "--boot", f"--bind={results}:/results"),
        *([] if network else ["--private-network"]),
        # A board may ask its kernel whether the clock is set; so may the guest, in which nothing is
        # that would set it.
        "--capability=CAP_SYS_TIME",
        *(f"--bind-ro={path}:{name}" for name, path in binds.items()),
        # systemd 256 and newer refuse cgroup v1, which this machine may still have.
        "--setenv=SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1",
    ]
    # nspawn starts a guest that restarts again by itself, except where /run is no tmpfs.
    for _ in range(BOOTS):
        if (results / "done").exists():
            return
        with (results / "console").open("ab") as console:
            subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                timeout=limit_s,
                check=False,
            )
