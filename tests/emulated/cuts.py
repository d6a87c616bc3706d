"""Runs inside an emulated machine: cuts the power under the real ledger and vault, again and again.

The disk is an ext4 below dm-flakey. At a random moment every write from then on is dropped, the
programs are killed, the file system is taken down as it is and comes back with what the disk has:
its journal is replayed, the databases open, and `scenarios.wrong` says what is lost. What was said
before the cut is what was acknowledged. `cuts.py DISK SEED COUNT [SCENARIO...]` prints one JSON
object a cut.
"""

from __future__ import annotations

import ctypes
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.faults import scenarios

PLACE = Path("/tmp/cut/state")  # noqa: S108 - the guest has nobody else
SAID = PLACE.with_suffix(".said")
NAME = "flaky"
MAPPED = f"/dev/mapper/{NAME}"
EARLIER, LATER = 0.85, 1.1
"""A scenario is cut from a little before its first write to a little after its end."""
LIBC = ctypes.CDLL(None, use_errno=True)


def sh(line: str) -> None:
    """Run a line of shell; what it says goes to the console when it fails."""
    done = subprocess.run(["/bin/sh", "-ec", line], text=True, capture_output=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{line}: {done.stderr}")


def call(result: int) -> None:
    """See that a call of the C library went well."""
    if result:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


class Disk:
    """One block device through dm-flakey, mounted at `PLACE`."""

    def __init__(self, device: str) -> None:
        self._device = device
        sectors = Path("/sys/block", Path(device).name, "size").read_text(encoding="ascii")
        self._size = int(sectors)
        sh(f"dmsetup create {NAME} --table '{self._table(drop=False)}'; dmsetup mknodes")
        sh(f"mkfs.ext4 -q -F {MAPPED}")

    def _table(self, *, drop: bool) -> str:
        start = f"0 {self._size} flakey {self._device} 0"
        return f"{start} 0 180 1 drop_writes" if drop else f"{start} 180 0"

    def mount(self) -> None:
        """With the journal replayed."""
        call(LIBC.mount(MAPPED.encode(), str(PLACE).encode(), b"ext4", 0, None))

    def cut(self) -> None:
        """From now on nothing reaches the disk; what is on its way, and not there yet, is lost."""
        self._load(drop=True)

    def back(self) -> None:
        """Taken down without a word to the disk, and up again with what is on it."""
        call(LIBC.umount(str(PLACE).encode()))
        self._load(drop=False)
        sh(f"blockdev --flushbufs {MAPPED}")  # what the kernel remembers of it is not the disk
        self.mount()

    def _load(self, *, drop: bool) -> None:
        sh(
            f"dmsetup suspend --nolockfs --noflush {NAME}; "
            f"dmsetup load {NAME} --table '{self._table(drop=drop)}'; dmsetup resume {NAME}"
        )


def clear() -> None:
    """An empty file system."""
    for path in PLACE.iterdir():
        if path.name != "lost+found":
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()


def start(name: str) -> int:
    """A process of its own that runs a scenario; its number."""
    child = os.fork()
    if child == 0:
        try:
            scenarios.run(name, PLACE)
        finally:
            os._exit(0)
    return child


def one(disk: Disk, base: Path, name: str, after_s: float) -> dict[str, object]:
    """One cut: whether the scenario was under way, how much it had said, and what is wrong."""
    clear()
    SAID.unlink(missing_ok=True)
    shutil.copytree(base, PLACE, symlinks=True, dirs_exist_ok=True)
    os.sync()
    child = start(name)
    time.sleep(after_s)
    os.kill(child, signal.SIGSTOP)  # what it does from now on, it did not do
    done, _ = os.waitpid(child, os.WNOHANG)
    said = SAID.read_text(encoding="utf-8") if SAID.exists() else ""
    disk.cut()
    if not done:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    disk.back()
    SAID.write_text(said, encoding="utf-8")
    try:
        wrong = scenarios.wrong(PLACE)
    except Exception as error:  # noqa: BLE001 - one cut's end, not the trial's
        wrong = [f"does not open afterwards: {error}"]
    return {"under way": not done, "said": len(said.splitlines()), "wrong": wrong}


def lost(disk: Disk) -> bool:
    """The instrument itself: a cut loses what was not synced, and keeps what was."""
    for name in ("synced", "not synced"):
        (PLACE / name).write_text(name, encoding="ascii")
        if name == "synced":
            os.sync()
    disk.cut()
    disk.back()
    return (PLACE / "synced").read_text(encoding="ascii") == "synced" and not (
        PLACE / "not synced"
    ).exists()


def whole(base: Path, name: str) -> tuple[float, float]:
    """When a scenario writes for the first time and when it ends if nothing is cut, seconds.

    A process that was just forked is slow in an emulated machine: what comes before the first
    write takes longest, and a cut there tells little.
    """
    clear()
    shutil.copytree(base, PLACE, symlinks=True, dirs_exist_ok=True)
    began = time.time_ns()
    os.waitpid(start(name), 0)
    ended = time.time_ns()
    changed = [path.lstat().st_mtime_ns for path in PLACE.rglob("*")]
    first = min((at for at in changed if at > began), default=began)
    return (first - began) / 1e9, (ended - began) / 1e9


def main() -> int:
    """As many cuts as are wanted; exit code 1 when anything was wrong."""
    device, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    scenarios.trust_the_clock()
    PLACE.mkdir(parents=True)
    base = PLACE.with_name("base")
    base.mkdir()
    scenarios.own_machine(base)
    scenarios.prepare(base)
    disk = Disk(device)
    disk.mount()
    scenarios.own_machine(PLACE)
    dice, good = random.Random(seed), lost(disk)
    names = sys.argv[4:] or list(scenarios.SCENARIOS)
    # The second time counts, when all that it reads is in memory.
    lengths = {name: whole(base, name) for name in [*names, *names]}
    for number in range(count):
        name = names[number % len(names)]
        first, end = lengths[name]
        after_s = dice.uniform(EARLIER * first, LATER * end)
        told = one(disk, base, name, after_s)
        good = good and not told["wrong"]
        row = {"cut": f"{seed}/{number}", "scenario": name, "after": round(after_s, 4), **told}
        sys.stdout.write(json.dumps(row) + "\n")
        sys.stdout.flush()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
