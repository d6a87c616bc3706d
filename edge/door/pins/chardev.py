"""The kernel's GPIO character device, through libgpiod 2 (`gpiod` on PyPI): any board.

When the process that holds a line dies, the kernel gives the line back. Most drivers make it an
input then, and the relay goes off; a Raspberry Pi's keeps it driven unless `dtparam=strict_gpiod`
is set. The warden drives it off in either case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.errors import PinError, reason_of
from edge.installed import with_extra
from edge.vocabulary import Pull

if TYPE_CHECKING:
    from gpiod import LineRequest, LineSettings
    from gpiod.line import Value

    from edge.door.settings import InputPin, OutputPin


class ChardevLines:
    """Lines of one chip, each requested on its own."""

    poll_s: float | None = None

    def __init__(self, chip: str) -> None:
        try:
            import gpiod
            from gpiod import line as gpiod_line
        except ImportError as error:
            raise PinError(
                f"door.backend = 'gpiod' needs the gpiod library. Run: {with_extra('gpiod')}"
            ) from error
        if not hasattr(gpiod, "request_lines"):
            raise PinError(f"gpiod 2 or newer is needed. Run: {with_extra('gpiod')}")
        self._gpiod = gpiod
        self._line = gpiod_line
        self._chip = chip
        self._requests: dict[int, LineRequest] = {}
        self._inputs: dict[int, LineRequest] = {}
        self._watched: set[int] = set()

    def open_output(self, pin: OutputPin, *, high: bool) -> None:
        """Claim and drive a line."""
        settings = self._gpiod.LineSettings(
            direction=self._line.Direction.OUTPUT, output_value=self._value(high=high)
        )
        self._request(pin.line, settings)

    def open_input(self, pin: InputPin, *, edges: bool) -> None:
        """Claim a line; the kernel stamps its edges."""
        bias = {Pull.UP: self._line.Bias.PULL_UP, Pull.DOWN: self._line.Bias.PULL_DOWN}
        settings = self._gpiod.LineSettings(
            direction=self._line.Direction.INPUT,
            edge_detection=self._line.Edge.FALLING if edges else self._line.Edge.BOTH,
            bias=bias.get(pin.pull, self._line.Bias.AS_IS),
            event_clock=self._line.Clock.MONOTONIC,
        )
        self._request(pin.line, settings)
        self._inputs[pin.line] = self._requests[pin.line]
        if edges:
            self._watched.add(pin.line)

    def write(self, line: int, *, high: bool) -> None:
        """Drive an output."""
        try:
            self._requests[line].set_value(line, self._value(high=high))
        except OSError as error:
            raise PinError(
                f"line {line} of {self._chip} cannot be driven: {reason_of(error)}"
            ) from error

    def read(self, line: int) -> bool:
        """The level of a line."""
        try:
            return bool(self._requests[line].get_value(line) is self._line.Value.ACTIVE)
        except OSError as error:
            raise PinError(
                f"line {line} of {self._chip} cannot be read: {reason_of(error)}"
            ) from error

    def falls(self) -> list[tuple[int, float]]:
        """The kernel's edge events since the last call, oldest first."""
        found = []
        for line, request in self._inputs.items():
            while request.wait_edge_events(0):
                events = request.read_edge_events()
                if line in self._watched:
                    found += [(line, event.timestamp_ns / 1e9) for event in events]
        return sorted(found, key=lambda fall: fall[1])

    def wakes(self) -> tuple[int, ...]:
        """The inputs' descriptors."""
        return tuple(request.fd for request in self._inputs.values())

    def free(self) -> None:
        """Give all lines back to the kernel."""
        for request in self._requests.values():
            request.release()
        self._requests.clear()
        self._inputs.clear()
        self._watched.clear()

    def _value(self, *, high: bool) -> Value:
        return self._line.Value.ACTIVE if high else self._line.Value.INACTIVE

    def _request(self, line: int, settings: LineSettings) -> None:
        try:
            self._requests[line] = self._gpiod.request_lines(
                self._chip, consumer="edge-door", config={line: settings}
            )
        except (OSError, ValueError) as error:
            raise PinError(
                f"line {line} of {self._chip}: {reason_of(error)}. {self._advice(error)}"
            ) from error

    def _advice(self, error: Exception) -> str:
        if isinstance(error, PermissionError):
            return "This user must be in the group that owns the chip, usually gpio."
        if isinstance(error, FileNotFoundError):
            return "Run gpiodetect to see the chips of this board, and set door.chip."
        return "Run gpioinfo to see the lines and who uses them."
