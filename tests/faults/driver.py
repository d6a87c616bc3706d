"""Runs every scenario once for every durable call in it, with that call failing.

Under the shim: `python -m tests.faults.driver [--every N] [--kinds KIND...]`, or `--only
SCENARIO/KIND/NUMBER` for one of them once more.
"""

from __future__ import annotations

import argparse
import ctypes
import errno
import json
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.faults import scenarios

FAIL, KILL, CUT = 1, 2, 3
KINDS = {
    "ENOSPC": (FAIL, errno.ENOSPC),
    "EIO": (FAIL, errno.EIO),
    "kill": (KILL, 0),
    "power": (CUT, 0),
    # What was not synced is lost in part, by a seed.
    "torn-1": (CUT, 1),
    "torn-2": (CUT, 2),
}


def inject(name: str, kind: str, number: int, base: Path, shim: Any) -> tuple[bool, list[str]]:
    """Whether the fault struck, and what is wrong afterwards."""
    with tempfile.TemporaryDirectory(prefix="edge-door-fault-") as place:
        folder = Path(place) / "state"
        shutil.copytree(base, folder, symlinks=True)
        scenarios.own_machine(folder)
        child = os.fork()
        if child == 0:
            how, error = KINDS[kind]
            shim.fault_arm(how, error, ctypes.c_long(number), str(folder).encode())
            try:
                scenarios.run(name, folder)
            except BaseException:  # noqa: BLE001 - a traceback is what must not be
                shim.fault_arm(0, 0, ctypes.c_long(0), b"")
                folder.with_suffix(".traceback").write_text(traceback.format_exc())
            os._exit(10 if shim.fault_struck() else 0)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        problems = []
        failed = folder.with_suffix(".traceback")
        if failed.exists():
            problems.append(failed.read_text().splitlines()[-1])
        try:
            problems += scenarios.wrong(folder)
        except Exception as error:  # noqa: BLE001 - one fault's end, not the sweep's
            problems.append(f"does not open afterwards: {error}")
        return code != 0, problems


def sweep(kinds: list[str], every: int, base: Path, shim: Any) -> Iterator[dict[str, Any]]:
    """All faults of all scenarios, each `every`-th."""
    for name in scenarios.SCENARIOS:
        for kind in kinds:
            struck, number = True, 1
            while struck:
                struck, problems = inject(name, kind, number, base, shim)
                if struck or problems:
                    yield {"fault": f"{name}/{kind}/{number}", "wrong": problems}
                number += every


def main() -> int:
    """Prints one JSON object a fault; exit code 1 when anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--only")
    parser.add_argument("--kinds", nargs="+", choices=KINDS, default=list(KINDS))
    given = parser.parse_args()
    shim = ctypes.CDLL(None)
    scenarios.trust_the_clock()
    good = True
    with tempfile.TemporaryDirectory(prefix="edge-door-faults-") as place:
        base = Path(place) / "base"
        base.mkdir()
        scenarios.own_machine(base)
        scenarios.prepare(base)
        if given.only:
            name, kind, number = given.only.split("/")
            _, problems = inject(name, kind, int(number), base, shim)
            found = iter([{"fault": given.only, "wrong": problems}])
        else:
            found = sweep(given.kinds, given.every, base, shim)
        for fault in found:
            good = good and not fault["wrong"]
            sys.stdout.write(json.dumps(fault) + "\n")
            sys.stdout.flush()
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
