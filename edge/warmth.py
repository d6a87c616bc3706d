"""How warm the board is, as the kernel tells it."""

from __future__ import annotations

from pathlib import Path

THERMAL = Path("/sys/class/thermal")


def hottest_c(thermal: Path = THERMAL) -> float | None:
    """Of the zones that tell, degrees Celsius; None: none does."""
    found = []
    for zone in thermal.glob("thermal_zone*/temp"):
        try:
            found.append(int(zone.read_text(encoding="ascii")) / 1000)
        except (OSError, ValueError):  # some zones tell only while a device is on
            continue
    return max(found, default=None)
