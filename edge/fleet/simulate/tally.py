"""What a simulated fleet has done so far."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(slots=True)
class Tally:
    """Counts over all doors."""

    connected: int = 0
    """Doors that are connected now."""
    connects: int = 0
    happened: int = 0
    acknowledged: int = 0
    """By the broker; an event that goes again counts again."""
    confirmed: int = 0
    """By a collector: the last number of each door, added up."""
    lost: int = 0
    """Connections that broke."""

    def as_dict(self) -> dict[str, int]:
        """For JSON."""
        return asdict(self)
