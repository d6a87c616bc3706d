"""The lock's lines and the lamps, as the machine wants them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.door.machine import Door, Drive

if TYPE_CHECKING:
    from edge.door.pins import Pins
    from edge.door.settings import GuardSettings


class Outputs:
    """Writes a line only when it changes; an off is written before an on."""

    def __init__(self, pins: Pins, settings: GuardSettings) -> None:
        """Claim the lock's lines at rest, which is locked. Call it before anything else.

        Raises:
            PinError: a line cannot be claimed. So do the other methods.
        """
        self._pins = pins
        self._settings = settings
        self.relay = self._relay_level(Drive.REST)
        """Whether the relay is energised."""
        self._relock = False
        self._busy = False
        self._lit: frozenset[str] = frozenset()
        pins.claim_output(settings.relay, on=self.relay)
        if settings.relock:
            pins.claim_output(settings.relock, on=False)

    def claim_others(self) -> None:
        """Claim the lines that cannot open the door."""
        if self._settings.busy:
            self._pins.claim_output(self._settings.busy, on=False)
        for pin in self._settings.lamps.values():
            self._pins.claim_output(pin, on=False)

    def drive(self, door: Door) -> None:
        """Bring the lock's lines in line with the machine."""
        if self._settings.busy and door.busy and not self._busy:
            self._busy = True  # the interlocked door hears of it before ours unlocks
            self._pins.write(self._settings.busy.line, on=True)
        self._drive_lock(door.drive)
        if self._settings.busy and self._busy and not door.busy:
            self._busy = False
            self._pins.write(self._settings.busy.line, on=False)

    def _drive_lock(self, drive: Drive) -> None:
        relay, relock = self._relay_level(drive), drive is Drive.RELOCK
        motor = self._settings.relock
        if motor and self._relock and not relock:
            self._pins.write(motor.line, on=False)
        if relay != self.relay:
            self._pins.write(self._settings.relay.line, on=relay)
        if motor and relock and not self._relock:
            self._pins.write(motor.line, on=True)
        self.relay, self._relock = relay, relock

    def check(self) -> str:
        """Whether the relay's line is as it was driven; else a sentence, and it is driven again."""
        line = self._settings.relay.line
        if self._pins.read(line) == self.relay:
            return ""
        self._pins.write(line, on=self.relay)
        return f"line {line} of the relay was not as it was driven"

    def light(self, names: frozenset[str]) -> None:
        """Show these lamps and no others."""
        for name, pin in self._settings.lamps.items():
            if (name in names) != (name in self._lit):
                self._pins.write(pin.line, on=name in names)
        self._lit = names

    def _relay_level(self, drive: Drive) -> bool:
        return (drive is Drive.UNLOCK) == self._settings.relay_on_unlocks
