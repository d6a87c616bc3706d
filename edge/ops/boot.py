"""What a Raspberry Pi's config.txt must say for this door: `python -m edge.ops.boot CONFIG`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from edge.config import load
from edge.errors import EdgeDoorError

if TYPE_CHECKING:
    from edge.config import Config


def boot_lines(config: Config) -> list[str]:
    """Outputs that end with their process, and the lock's lines at rest before the kernel runs."""
    door = config.door
    off = "dl" if door.relay_active_high else "dh"
    on = "dh" if door.relay_active_high else "dl"
    rest = off if door.relay_on_unlocks else on
    lines = ["dtparam=strict_gpiod", f"gpio={door.relay_pin}=op,{rest}"]
    if door.relock_pin is not None:
        lines.append(f"gpio={door.relock_pin}=op,{off}")
    return lines


def main() -> int:
    """Print the lines; exit code 2 for a file that is wrong."""
    try:
        config = load(Path(sys.argv[1]))
    except EdgeDoorError as error:
        sys.stderr.write(f"edge-door: {error}\n")
        return error.exit_code
    sys.stdout.write("\n".join(boot_lines(config)) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
