"""Emulated machines: pack an initramfs, boot it in QEMU without KVM, run one script, power off."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.emulated import kernels
from tests.emulated.debian import CACHE, sh

if TYPE_CHECKING:
    from tests.emulated.kernels import Kernel

__all__ = ["CACHE", "sh"]

REPOSITORY = Path(__file__).resolve().parents[2]
NEEDED = {  # program -> the Debian package it comes in
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-system-aarch64": "qemu-system-arm",
    "apt-get": "apt",
    "dpkg": "dpkg",
    "cpio": "cpio",
    "modprobe": "kmod",
    "make": "build-essential",
    "gcc": "build-essential",
    "xz": "xz-utils",
    "dmsetup": "dmsetup",
    "mkfs.ext4": "e2fsprogs",
}
# The guest's time counts its instructions (4 ns each: a slow board), and idling costs none of ours.
# So a figure measured in there says nothing of how busy this machine is.
CLOCK = ("-icount", "shift=2,sleep=off")
FINISH = """
echo "finished with status $?"
busybox sleep 60
"""


def missing() -> str:
    """Why nothing can be emulated here, and which packages would change that; else empty."""
    lacking = {package for program, package in NEEDED.items() if shutil.which(program) is None}
    if not lacking:
        return ""
    return f"not installed: apt-get install {' '.join(sorted(lacking))}"


@dataclass(frozen=True)
class Finished:
    """What a script said on the console, and the status it ended with."""

    output: str
    status: int


def _pack(folder: Path, init: str) -> Path:
    script = folder / "init"
    script.write_text(init)
    script.chmod(0o755)
    archive = folder.with_suffix(".cpio")
    with archive.open("wb") as out:
        find = subprocess.run(["find", "."], cwd=folder, check=True, stdout=subprocess.PIPE)
        subprocess.run(
            ["cpio", "--quiet", "--create", "--format=newc", "--owner=+0:+0"],
            cwd=folder,
            input=find.stdout,
            stdout=out,
            check=True,
        )
    return archive


def _boot(command: list[str], limit_s: float) -> Finished:
    """Run QEMU; an emulated Pi cannot power off."""
    return finished([*command, "-nographic", "-no-reboot", "-nodefaults", *CLOCK], limit_s)


def finished(command: list[str], limit_s: float) -> Finished:
    """Run a machine until its script's last line is on the console."""
    guest = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )

    def give_up() -> None:
        with suppress(ProcessLookupError):
            os.killpg(guest.pid, signal.SIGKILL)  # User Mode Linux is several processes

    too_long = threading.Timer(limit_s, give_up)
    too_long.start()
    lines: list[str] = []
    try:
        for line in guest.stdout or ():
            lines.append(line.rstrip())
            if end := re.fullmatch(r"finished with status (\d+)", lines[-1]):
                return Finished("\n".join(lines), int(end[1]))
    finally:
        too_long.cancel()
        give_up()
        guest.wait()
        if guest.stdout:
            guest.stdout.close()
    text = "\n".join(lines[-60:])
    raise RuntimeError(f"the guest did not finish its script within {limit_s:g} s:\n{text}")


def _insert(kernel: Kernel, names: tuple[str, ...], folder: Path, *extra: Path) -> str:
    files = [*kernel.modules(*names), *extra]
    (folder / "modules").mkdir()
    for file in files:
        shutil.copy(file, folder / "modules" / file.name)
    return "\n".join(f"busybox insmod /modules/{file.name}" for file in files)


def run_on_x86(script: str, limit_s: float = 240) -> Finished:
    """Run a shell script as root on a PC with 32 simulated GPIO lines.

    The guest's root is this machine's, read-only, with an empty /tmp and /run, so that the
    project's virtual environment is there. `$EDGE_DOOR_GPIO_CHIP` is the character device,
    `$EDGE_DOOR_GPIO_SIM` the folder in sysfs that shows each line's value and sets its pull.
    """
    kernel = kernels.x86()
    modules = ("configfs", "i6300esb")
    setup = """
sim=/host/sys/kernel/config/gpio-sim/door
busybox mount -t configfs config /host/sys/kernel/config
busybox mkdir -p $sim/bank
echo 32 > $sim/bank/num_lines
echo 1 > $sim/live
read -r chip < $sim/bank/chip_name
read -r device < $sim/dev_name
export EDGE_DOOR_GPIO_CHIP=/dev/$chip EDGE_DOOR_GPIO_SIM=/sys/devices/platform/$device/$chip
"""
    guest = _Guest(kernel, modules, (kernels.gpio_sim(kernel),), setup)
    return guest.run(script, ("-device", "i6300esb", "-watchdog-action", "poweroff"), limit_s)


@dataclass(frozen=True)
class _Guest:
    """A PC whose root is this machine's, read-only, with an empty /tmp and /run."""

    kernel: Kernel
    modules: tuple[str, ...]
    extra: tuple[Path, ...] = ()
    setup: str = ""

    def run(self, script: str, devices: tuple[str, ...], limit_s: float) -> Finished:
        """Boot, run the script, and give the machine up."""
        with tempfile.TemporaryDirectory(prefix="edge-door-") as temporary:
            archive = self._pack(Path(temporary) / "root", script)
            return _boot(
                [
                    *("qemu-system-x86_64", "-M", "q35", "-cpu", "max", "-m", "2048"),
                    *("-kernel", str(self.kernel.image), "-initrd", str(archive)),
                    *("-append", "console=ttyS0 quiet panic=-1 mitigations=off"),
                    *("-serial", "stdio", *devices, "-virtfs"),
                    "local,path=/,mount_tag=host,security_model=none,readonly=on,multidevs=remap",
                ],
                limit_s,
            )

    def _pack(self, folder: Path, script: str) -> Path:
        busybox = kernels.X86.unpack(CACHE / "busybox-amd64", "busybox-static") / "bin/busybox"
        for name in ("bin", "proc", "sys", "dev", "host", "checkout"):
            (folder / name).mkdir(parents=True)
        shutil.copy(busybox, folder / "bin/busybox")
        (folder / "bin/sh").symlink_to("busybox")
        names = ("virtio_pci", "9pnet_virtio", "9p", *self.modules)
        modules = _insert(self.kernel, names, folder, *self.extra)
        (folder / "script").write_text(script)
        init = f"""#!/bin/sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
busybox mount -t devtmpfs dev /dev
exec </dev/ttyS0 >/dev/ttyS0 2>&1
busybox mount -t proc proc /proc
busybox mount -t sysfs sys /sys
{modules}
busybox mount -t 9p -o trans=virtio,version=9p2000.L,ro,msize=262144,cache=loose host /host
for place in dev proc sys; do busybox mount -o move /$place /host/$place; done
# An empty /tmp must not hide a checkout that lies below it.
busybox mount -o bind /host{REPOSITORY} /checkout
for place in tmp run; do busybox mount -t tmpfs tmpfs /host/$place; done
busybox mkdir -p /host{REPOSITORY}
busybox mount -o move /checkout /host{REPOSITORY}
busybox mount -o bind /bin /host/mnt
busybox cat /script > /host/tmp/script
{self.setup}
export HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONPATH={REPOSITORY}
busybox chroot /host /bin/sh -ec "cd {REPOSITORY}; . /tmp/script"
{FINISH}"""
        return _pack(folder, init)


def run_on_pi(script: str, *, persist: bool, limit_s: float = 240) -> Finished:
    """Run a shell script as root on a Raspberry Pi 3B with its own pin controller's driver.

    Debian's arm64 Python, its gpiod module and this project's package (at /edge) are packed in.

    Args:
        script: what to run.
        persist: True for the Raspberry Pi kernel's default, outputs that outlive their process;
            False for what `dtparam=strict_gpiod` sets.
        limit_s: seconds until the machine is given up.
    """
    kernel, tree = kernels.pi()
    system = kernels.PI.unpack(
        CACHE / "pi-system", "busybox-static", "python3-libgpiod", with_dependencies=True
    )
    with tempfile.TemporaryDirectory(prefix="edge-door-") as temporary:
        folder = Path(temporary) / "root"
        shutil.copytree(system, folder, symlinks=True, ignore=_not_needed)
        for name in ("proc", "sys", "dev", "tmp", "run", "boot"):
            (folder / name).mkdir(exist_ok=True)
        for name in ("bin", "sbin", "lib", "lib64"):
            place = folder / name
            if not place.exists():
                place.symlink_to(f"usr/{name}")
        shutil.copytree(REPOSITORY / "edge", folder / "edge", ignore=_not_needed)
        shutil.copy(REPOSITORY / "tests/emulated/trial.py", folder)
        (folder / "script").write_text(script)
        init = f"""#!/usr/bin/busybox sh
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
busybox mount -t devtmpfs dev /dev
exec </dev/ttyS1 >/dev/ttyS1 2>&1
busybox mount -t proc proc /proc
busybox mount -t sysfs sys /sys
busybox mount -t debugfs debug /sys/kernel/debug
export HOME=/tmp PYTHONPATH=/
busybox sh -e /script
{FINISH}"""
        archive = _pack(folder, init)
        setting = f"pinctrl_bcm2835.persist_gpio_outputs={'y' if persist else 'n'}"
        return _boot(
            [
                *("qemu-system-aarch64", "-M", "raspi3b"),
                *("-kernel", str(kernel.image), "-dtb", str(tree), "-initrd", str(archive)),
                *("-serial", "null", "-serial", "stdio"),  # the first serves Bluetooth there
                *("-append", f"console=ttyS1,115200 quiet {setting}"),
            ],
            limit_s,
        )


def _not_needed(_folder: str, names: list[str]) -> set[str]:
    return {"__pycache__", "doc", "man", "locale", "zoneinfo", "perl", "gconv"} & set(names)


def trials(output: str) -> dict[str, dict[str, Any]]:
    """What trial.py told, by the trial's name."""
    lines = [line[line.index("{") :] for line in output.splitlines() if '{"trial"' in line]
    return {told["trial"]: told for told in map(json.loads, lines)}
