"""What a Raspberry Pi's config.txt must say for this door, and putting it there."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from edge.believed import read_ordinary
from edge.errors import PinError, reason_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge.config import Config

BOOT_FILES = (Path("/boot/firmware/config.txt"), Path("/boot/config.txt"))
_BEGIN, _END = "# begin edge-door", "# end edge-door"
_SECTION = "[all]"
_OTHERS = "surrogateescape"
"""How bytes that are no UTF-8 go through: what others wrote stays as it is."""


def boot_file() -> Path | None:
    """Where a Pi keeps its config.txt; None on other boards."""
    return next((path for path in BOOT_FILES if path.is_file()), None)


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


def lines_in(file: Path) -> list[str]:
    """Our lines in a config.txt; empty where there are none.

    Raises:
        PinError: it cannot be read.
    """
    _, ours = _split(file)
    return [line for line in ours if line != _SECTION]


def write_lines(file: Path, lines: Sequence[str]) -> bool:
    """Put our lines in place of those that are there, none to take them out; whether it changed.

    A power cut leaves the old file or the new one, never half.

    Raises:
        PinError: it cannot be read or written.
    """
    others, ours = _split(file)
    wanted = [_SECTION, *lines] if lines else []
    if ours == wanted:
        return False
    block = [_BEGIN, *wanted, _END] if wanted else []
    new = file.with_name(file.name + ".edge-door")
    try:
        fresh = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        with os.fdopen(fresh, "w", encoding="utf-8", errors=_OTHERS) as written:
            written.write("\n".join([*others, *block]) + "\n")
            written.flush()
            os.fsync(written.fileno())
        new.replace(file)
        os.sync()
    except OSError as error:
        with contextlib.suppress(OSError):
            new.unlink(missing_ok=True)
        raise PinError(f"{file} cannot be written: {reason_of(error)}. Use sudo.") from error
    return True


def _split(file: Path) -> tuple[list[str], list[str]]:
    """What others wrote, and what stands between our two marks."""
    try:
        text = read_ordinary(file).decode("utf-8", _OTHERS)
    except OSError as error:
        raise PinError(f"{file} cannot be read: {reason_of(error)}") from error
    lines = text.replace("\r\n", "\n").removesuffix("\n").split("\n") if text else []
    marks = [at for at, line in enumerate(lines) if line in (_BEGIN, _END)]
    if not marks:
        return lines, []
    if [lines[at] for at in marks] != [_BEGIN, _END]:
        raise PinError(
            f"{file}: `{_BEGIN}` and `{_END}` stand there once each and in this order, and it was "
            "edited. Take these lines out, and what edge-door wrote between them."
        )
    begin, end = marks
    return lines[:begin] + lines[end + 1 :], lines[begin + 1 : end]
