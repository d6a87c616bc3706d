"""A 64-bit ARM board without one: arm64 Debian and the real aarch64 wheels, run by qemu-user.

Nothing is configured or emulated to set it up: packages and wheels are unpacked as they are. What
an emulated processor computes counts; how long it takes says nothing about a board. Programs that
it starts are emulated as well, in a namespace of its own: that takes Linux 6.7. What has to keep
time is run under a clock as slow as the emulator.
"""

from __future__ import annotations

import fcntl
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

from tests.conftest import ROOT
from tests.emulated.debian import CACHE, Suite, sh

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SLOWLY = 0.02
"""How fast its clock runs where something has to keep time: a step with every stage takes 2 to 6 s
of two shared cores, and a blink is seen at 12 frames a second or more."""
_SLOWLY = Path(__file__).with_name("slowly")
_FAKETIME = "usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1"
CPU = "cortex-a72"
"""Of a Raspberry Pi 4; with the host's own name LiteRT 2.3.0 dies."""
_PACKAGES = ("python3", "libstdc++6", "libgomp1", "libfaketime")
_GLIBC = ("2_34", "2_28", "2_27", "2_26", "2_17")
_TESTED_WITH = ("pytest>", "pytest-timeout>", "hypothesis>")
_CPUINFO = """\
processor\t: 0
BogoMIPS\t: 108.00
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x0
CPU part\t: 0xd08
CPU revision\t: 3

Model\t\t: Raspberry Pi 4 Model B Rev 1.5
"""


_BINFMT = (
    r":arm64:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
    r":\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"
    ":/usr/bin/qemu-aarch64-static:F"
)
"""Which files the kernel gives to the emulator: little-endian ELF for aarch64."""


class Board:
    """Runs Python as a Raspberry Pi 4 would."""

    def __init__(self) -> None:
        CACHE.mkdir(parents=True, exist_ok=True)
        self._cpuinfo, self._binfmt = CACHE / "arm64-cpuinfo", CACHE / "arm64-binfmt"
        with (CACHE / "arm64-lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # another worker may be making it
            self._root = Suite("bookworm", "arm64").unpack(
                CACHE / "arm64-root", *_PACKAGES, with_dependencies=True
            )
            self._wheels = _wheels(CACHE / "arm64-wheels")
            self._cpuinfo.write_text(_CPUINFO, encoding="ascii")
            self._binfmt.write_text(_BINFMT, encoding="ascii")

    def instructions(self, *arguments: str) -> int:
        """How many the board's Python runs, without the programs that it starts."""
        plugin = CACHE / "arm64-count.so"
        sh("gcc", "-shared", "-fPIC", "-o", plugin, Path(__file__).with_name("count.c"))
        done = self.python(*arguments, emulator=("qemu-aarch64", "-plugin", str(plugin)))
        counted = re.search(r"^instructions: (\d+)$", done.stderr, re.MULTILINE)
        if done.returncode or not counted:
            raise RuntimeError(done.stderr[-2000:])
        return int(counted[1])

    def python(
        self, *arguments: str, emulator: tuple[str, ...] = (), slowly: bool = False
    ) -> subprocess.CompletedProcess[str]:
        """Run the board's Python with this checkout; never raises for what it says.

        Args:
            arguments: What follows its name.
            emulator: Whose; without a name the kernel chooses it, also for programs it starts.
            slowly: For all of them a second takes `1 / SLOWLY` of ours.
        """
        binfmt = "/proc/sys/fs/binfmt_misc"
        own = (
            f"mount --bind {self._cpuinfo} /proc/cpuinfo && mount -t binfmt_misc none {binfmt} && "
            f'cat {self._binfmt} > {binfmt}/register && exec "$@"'
        )
        namespace = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", own, "sh"]
        return subprocess.run(
            [*namespace, *emulator, str(self._root / "usr/bin/python3.11"), *arguments],
            env=(self._slow_clock() if slowly else {})
            | {
                "PATH": "/usr/sbin:/usr/bin:/bin",
                "QEMU_CPU": CPU,
                "QEMU_LD_PREFIX": str(self._root),
                "PYTHONPATH": f"{self._wheels}:{ROOT}" + (f":{_SLOWLY}" if slowly else ""),
                "PYTHONDONTWRITEBYTECODE": "1",
                "XDG_CACHE_HOME": str(CACHE / "arm64-cache"),
                "PYTHONHASHSEED": "0",
                "OPENBLAS_NUM_THREADS": "1",
            },
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    def _slow_clock(self) -> dict[str, str]:
        return {
            "QEMU_SET_ENV": f"LD_PRELOAD={self._root / _FAKETIME}",
            "FAKETIME": f"+0 x{SLOWLY}",
            "FAKETIME_DONT_RESET": "1",  # programs that it starts go on from its time
            "DONT_FAKE_MONOTONIC": "0",
        }


def _wheels(folder: Path) -> Path:
    """What the product depends on, for aarch64 and the Python of that Debian."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    tests = [each for each in extras["test"] if each.startswith(_TESTED_WITH)]
    wanted = [*project["dependencies"], *extras["demo"], *extras["many"], *tests]
    done = folder / ".wanted"
    if not done.exists() or done.read_text() != "\n".join(wanted):
        tags = [f"--platform=manylinux_{version}_aarch64" for version in _GLIBC]
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--upgrade", f"--target={folder}"]
        only = ["--python-version=3.11", "--only-binary=:all:"]
        sh(*pip, *only, *tags, "--platform=manylinux2014_aarch64", *wanted)
        done.write_text("\n".join(wanted))
    ours = folder / "edge_door-0.dist-info"  # what says there that this checkout is installed
    ours.mkdir(exist_ok=True)
    told = f"Metadata-Version: 2.1\nName: edge-door\nVersion: {version('edge-door')}\n"
    (ours / "METADATA").write_text(told, encoding="ascii")
    return folder
