"""What the guard needs to know, as JSON on its command line: it imports no pydantic."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field

from edge import plain
from edge.door.machine import Rules
from edge.vocabulary import Pull, Reader


@dataclass(frozen=True, slots=True)
class OutputPin:
    """A line that is driven. `line` is a BCM number, or an offset of the chip with gpiod."""

    line: int
    active_high: bool = True


@dataclass(frozen=True, slots=True)
class InputPin:
    """A line that is read."""

    line: int
    active_high: bool = False
    pull: Pull = Pull.UP


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """One door, as the guard sees it. All paths are absolute."""

    backend: str
    chip: str
    run: str
    """Directory of the socket, the lock file and, with `fake`, the board."""
    socket: str
    peer_uid: int
    """The one user whose processes may speak to the guard."""
    relay: OutputPin
    relay_on_unlocks: bool = True
    """False where the relay holds the lock shut: there, a relay that is off opens."""
    relock: OutputPin | None = None
    """Second line of a motor lock."""
    lamps: dict[str, OutputPin] = field(default_factory=dict)
    """`buzzer`, `red`, `green`, `blue`, those that are fitted."""
    inputs: dict[str, InputPin] = field(default_factory=dict)
    """`contact`, `rex`, `tamper`, `fire`, `interlock`, those that are fitted."""
    busy: OutputPin | None = None
    """Tells the interlocked door that this one is not closed and locked."""
    debounce_s: float = field(kw_only=True)
    rules: Rules = field(kw_only=True)
    readers: tuple[Reader, ...] = ()
    watchdog: str = ""
    """Kernel watchdog device, fed by the guard; empty for none."""
    peer_named: bool = False
    """Whoever started the guard names the one process on its standard input: `edge-door run`."""

    def to_json(self) -> str:
        """One line for the command line."""
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> GuardSettings:
        """Read what `to_json` wrote.

        Raises:
            ValueError: it is not that.
        """
        return plain.read(cls, json.loads(text))
