"""The pin interface, and the rules that hold for every backend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from edge.door.settings import InputPin, OutputPin
from edge.errors import PinError

if TYPE_CHECKING:
    from typing_extensions import Self


@dataclass(frozen=True, slots=True)
class Edge:
    """A fall of an input line's level, monotonic seconds."""

    line: int
    at: float


class Lines(Protocol):
    """What a backend does: electrical levels only. Every method may raise PinError."""

    poll_s: float | None
    """How often inputs must be read; None where `wakes` tells of every change."""

    def open_output(self, pin: OutputPin, *, high: bool) -> None:
        """Claim and drive a line, without passing through the other level."""

    def open_input(self, pin: InputPin, *, edges: bool) -> None:
        """Claim a line, set its pull, and keep every fall of its level if `edges`."""

    def write(self, line: int, *, high: bool) -> None:
        """Drive an open output."""

    def read(self, line: int) -> bool:
        """The level of an open line."""

    def falls(self) -> list[tuple[int, float]]:
        """Line and monotonic time of the falls that were kept since the last call."""

    def wakes(self) -> tuple[int, ...]:
        """File descriptors that become readable when an input changes."""

    def free(self) -> None:
        """Give all lines back."""


class Pins:
    """Lines by number: callers speak of on and off, what is electrically high is settled here.

    For one thread.
    """

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._claimed: dict[int, OutputPin | InputPin] = {}

    @property
    def poll_s(self) -> float | None:
        """How often inputs must be read; None where `wakes` tells of every change."""
        return self._lines.poll_s

    def claim_output(self, pin: OutputPin, *, on: bool) -> None:
        """Take a line and drive it, without passing through the other level.

        Raises:
            PinError: it is in use, here or elsewhere, or the board does not have it.
        """
        self._check_free(pin.line)
        self._lines.open_output(pin, high=on == pin.active_high)
        self._claimed[pin.line] = pin

    def claim_input(self, pin: InputPin, *, edges: bool = False) -> None:
        """Take a line and read it; with `edges`, every electrical fall is kept for `edges()`.

        Raises:
            PinError: as for `claim_output`, or the backend has no such pull.
        """
        self._check_free(pin.line)
        self._lines.open_input(pin, edges=edges)
        self._claimed[pin.line] = pin

    def write(self, line: int, *, on: bool) -> None:
        """Drive a claimed output.

        Raises:
            PinError: it is not a claimed output, or the board failed.
        """
        pin = self._claimed.get(line)
        if not isinstance(pin, OutputPin):
            raise PinError(f"line {line} is not claimed as an output")
        self._lines.write(line, high=on == pin.active_high)

    def read(self, line: int) -> bool:
        """Whether a claimed line, input or output, is on.

        Raises:
            PinError: it is not claimed, or the board failed.
        """
        pin = self._claimed.get(line)
        if pin is None:
            raise PinError(f"line {line} is not claimed")
        return self._lines.read(line) == pin.active_high

    def edges(self) -> list[Edge]:
        """Falls of the inputs claimed with `edges` since the last call, oldest first."""
        return [Edge(line, at) for line, at in self._lines.falls() if line in self._claimed]

    def wakes(self) -> tuple[int, ...]:
        """File descriptors that become readable when an input changes."""
        return self._lines.wakes()

    def close(self) -> None:
        """Drive every output off and free all lines. May be called twice.

        Raises:
            PinError: a line could not be driven off; the others were, and all are freed.
        """
        failures = []
        for line, pin in self._claimed.items():
            if isinstance(pin, OutputPin):
                try:
                    self._lines.write(line, high=not pin.active_high)
                except PinError as error:
                    failures.append(str(error))
        self._claimed.clear()
        self._lines.free()
        if failures:
            raise PinError("; ".join(failures))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _check_free(self, line: int) -> None:
        if line in self._claimed:
            raise PinError(f"line {line} is claimed already; give each use a line of its own")
