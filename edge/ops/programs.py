"""sight and link as processes: `python -m edge.ops.programs sight [CONFIGURATION]`.

The supervisor starts them so, and `edge-door sight` and `edge-door link` become them: what the
command line is made of would stay in memory for as long as the door runs. Units name the command,
since the program that they find may be of another day: the update in force.
"""

from __future__ import annotations

import contextlib
import ctypes
import sys
from pathlib import Path

from edge.errors import EdgeDoorError
from edge.interrupt import end_at_once
from edge.process import PYTHON, begin, ending, start_logging
from edge.stopping import StopSignal
from edge.systemd import heartbeat, notify

_M_ARENA_MAX = -8  # malloc.h of glibc


def command(name: str, config_path: Path) -> list[str]:
    """What starts a program."""
    return [*PYTHON, "-m", "edge.ops.programs", name, str(config_path)]


def sight(config_path: Path | None = None) -> int:
    """Camera to decision, until it is told to stop."""
    from edge.ops.configured import believed_config
    from edge.sight.daemon import Sight

    with contextlib.suppress(AttributeError):  # another C library
        # Each thread's own heap would keep what was freed in it from the others: some megabytes.
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 1)
    config = believed_config(config_path, required=True, own=True)
    start_logging(config.log.level)
    with StopSignal() as stop:
        looking = Sight(config)
        notify("READY=1")
        looking.run(stop.is_set, heartbeat)
        notify("STOPPING=1")
    return 0


def link(config_path: Path | None = None) -> int:
    """Events to the MQTT broker, until it is told to stop."""
    from edge.link import process
    from edge.ops.configured import pinned_config
    from edge.ops.owner import become_owner

    config = pinned_config(config_path)
    become_owner(config.outbox_db.parent)
    start_logging(config.log.level)
    notify("READY=1")  # before the broker is there: link lives through outages
    with StopSignal() as stop:
        return process.run(config, stop, heartbeat)


def main(name: str, *config_path: str) -> int:
    """Run one to its end; the exit code."""
    end_at_once()
    begin()
    try:
        return {"sight": sight, "link": link}[name](*map(Path, config_path))
    except (EdgeDoorError, OSError) as error:
        said, code = ending(error)
        sys.stderr.write(f"edge-door: {said}\n")
        return code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
