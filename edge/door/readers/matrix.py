"""A keypad of rows and columns: rows are driven low one by one, columns are read.

At rest all rows are low and any key pulls its column low; only then are the rows tried one by one.
Two keys pressed together can join two rows that are driven apart: fit 1 kOhm into each row's wire.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.door.readers.claim import PinEntry
from edge.door.settings import InputPin, OutputPin
from edge.vocabulary import Pull

if TYPE_CHECKING:
    from edge.door.pins import Edge, Pins
    from edge.vocabulary import Reader
    from edge.wire.messages import Presented

KEYS = ("123A", "456B", "789C", "*0#D")
SCAN_S = 0.02
"""A key counts when two scans in a row see it."""


def fitted(reader: Reader, pins: Pins) -> Matrix:
    """See `open_readers`."""
    rows = len(reader.lines) - reader.columns
    return Matrix(pins, reader.lines[:rows], reader.lines[rows:])


class Matrix:
    """Four rows, three or four columns."""

    def __init__(self, pins: Pins, rows: tuple[int, ...], columns: tuple[int, ...]) -> None:
        """Claim the lines.

        Raises:
            PinError: a line cannot be claimed.
        """
        self._pins = pins
        self._rows = rows
        self._columns = columns
        for line in rows:
            pins.claim_output(OutputPin(line, active_high=False), on=True)
        for line in columns:
            pins.claim_input(InputPin(line, active_high=False, pull=Pull.UP))
        self._seen = ""
        self._down = ""
        self._scan_at: float | None = None
        self._entry = PinEntry()

    def fileno(self) -> int:
        """The columns' own descriptors tell."""
        return -1

    @property
    def deadline(self) -> float | None:
        """The next scan, while a key is down."""
        return self._scan_at

    def claims(self, edges: list[Edge], now: float) -> list[Presented]:
        """Scan if it is time to; return a PIN that was ended."""
        del edges
        if self._scan_at is not None and now < self._scan_at:
            return []
        if not any(self._pins.read(column) for column in self._columns):
            self._seen = self._down = ""
            self._scan_at = None
            return []
        self._scan_at = now + SCAN_S
        seen, self._seen = self._seen, self._scan()
        if len(seen) != 1 or self._seen != seen or self._down == seen:
            return []
        self._down = seen
        return self._entry.key(seen, now)

    def _scan(self) -> str:
        """The keys that are down."""
        for row in self._rows:
            self._pins.write(row, on=False)
        keys = ""
        for row, names in zip(self._rows, KEYS, strict=True):
            self._pins.write(row, on=True)
            pressed = [self._pins.read(column) for column in self._columns]
            keys += "".join(name for name, down in zip(names, pressed, strict=False) if down)
            self._pins.write(row, on=False)
        for row in self._rows:
            self._pins.write(row, on=True)
        return keys
