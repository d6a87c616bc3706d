"""The guard, with a fault that strikes on SIGUSR1, wherever it is then: `FAULT SETTINGS`."""

from __future__ import annotations

import os
import resource
import signal
import sys

from edge.door import guard


def leave() -> None:
    raise SystemExit(3)


def leave_at_once() -> None:
    os._exit(4)


def fail() -> None:
    raise RuntimeError("a mistake in the guard")


def run_out_of_memory() -> None:
    used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()  # noqa: PTH123, SIM115
    resource.setrlimit(resource.RLIMIT_AS, (used, used))
    kept: list[object] = []
    while True:  # small pieces, so that nothing is left when it ends
        kept.append(bytearray(4000))


FAULTS = {"exit": leave, "_exit": leave_at_once, "exception": fail, "memory": run_out_of_memory}

if __name__ == "__main__":
    fault = FAULTS[sys.argv.pop(1)]
    signal.signal(signal.SIGUSR1, lambda *_: fault())
    sys.exit(guard.main())
