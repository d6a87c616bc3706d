"""Boards driven through the RPi.GPIO interface.

`rpi`: RPi.GPIO (Raspberry Pi up to 4) or rpi-lgpio, which takes its name (Pi 5 and newer kernels).
`jetson`: Jetson.GPIO. RPi.GPIO writes the chip's registers past the kernel: it cannot know that
another program uses a line, and a line keeps its level when the process dies, so the warden has to
drive it off. Inputs are read every 10 ms, which works with every version; only card readers ask
for edges, which the library collects in a thread of its own.
"""

from __future__ import annotations

import importlib
import os
import tempfile
import time
import warnings
from collections import deque
from typing import TYPE_CHECKING

from edge.errors import PinError, reason_of
from edge.installed import with_pins
from edge.vocabulary import Pull

if TYPE_CHECKING:
    from types import ModuleType

    from edge.door.settings import InputPin, OutputPin

LIBRARIES = {"rpi": "RPi.GPIO", "jetson": "Jetson.GPIO"}
KEPT_EDGES = 1024


def library(backend: str, place: str | None = None) -> ModuleType:
    """The pins' library. It raises what it likes where it is missing or the board is not its own.

    What rpi-lgpio stands on makes a pipe where the process stands, and does not import where it
    may not; under systemd that is `/`. So the process stands in a folder below `place` meanwhile:
    for the guard in memory, since a door must open with a disk that is full. None: anywhere.
    """
    before = os.getcwd()
    with tempfile.TemporaryDirectory(dir=place) as folder:
        os.chdir(folder)
        try:
            return importlib.import_module(LIBRARIES[backend])
        finally:
            os.chdir(before)


class RpiApiLines:
    """Lines by their BCM number."""

    poll_s: float | None = 0.01

    def __init__(self, backend: str, run: str) -> None:
        self._backend = backend
        try:
            self._gpio = library(backend, run)
            self._gpio.setmode(self._gpio.BCM)
        # These libraries raise what they like when the board is not theirs.
        except Exception as error:
            raise PinError(
                f"door.backend = '{backend}' cannot start: {error}. Use backend = 'gpiod', or run: "
                f"{with_pins(backend)}"
            ) from error
        self._open: set[int] = set()
        self._edges: deque[tuple[int, float]] = deque(maxlen=KEPT_EDGES)
        self._wake: tuple[int, int] | None = None

    def open_output(self, pin: OutputPin, *, high: bool) -> None:
        """Drive a line."""
        self._setup(pin.line, self._gpio.OUT, initial=int(high))

    def open_input(self, pin: InputPin, *, edges: bool) -> None:
        """Read a line; a Jetson has no pulls to set."""
        gpio = self._gpio
        pulls = {Pull.UP: gpio.PUD_UP, Pull.DOWN: gpio.PUD_DOWN, Pull.OFF: gpio.PUD_OFF}
        if self._backend == "jetson" and pin.pull is not Pull.OFF:
            raise PinError(f"line {pin.line}: a Jetson sets no pull; fit a resistor, pull = 'off'")
        self._setup(pin.line, self._gpio.IN, pull_up_down=pulls[pin.pull])
        if edges:
            self._watch(pin.line)

    def write(self, line: int, *, high: bool) -> None:
        """Drive an output."""
        try:
            self._gpio.output(line, int(high))
        except Exception as error:  # as above
            raise PinError(f"line {line} cannot be driven: {error}") from error

    def read(self, line: int) -> bool:
        """The level of a line."""
        try:
            return bool(self._gpio.input(line))
        except Exception as error:  # as above
            raise PinError(f"line {line} cannot be read: {error}") from error

    def falls(self) -> list[tuple[int, float]]:
        """What the library's thread has collected since the last call."""
        if self._wake is not None:
            try:
                os.read(self._wake[0], KEPT_EDGES)
            except BlockingIOError:
                return []
        return [self._edges.popleft() for _ in range(len(self._edges))]

    def wakes(self) -> tuple[int, ...]:
        """A pipe that the library's thread writes to, once a reader needs it."""
        return () if self._wake is None else self._wake[:1]

    def free(self) -> None:
        """Make all lines inputs again."""
        for line in self._open:
            self._gpio.cleanup(line)
        self._open.clear()
        if self._wake is not None:
            for end in self._wake:
                os.close(end)
            self._wake = None

    def _setup(self, line: int, direction: int, **options: int) -> None:
        try:
            with warnings.catch_warnings():
                # RPi.GPIO warns of a line that is an output already: after a crash it is our own.
                warnings.simplefilter("ignore", RuntimeWarning)
                self._gpio.setup(line, direction, **options)
        except Exception as error:  # as above
            raise PinError(
                f"line {line} cannot be claimed: {error}. Another program may use it, or this "
                "user is not in the group gpio."
            ) from error
        self._open.add(line)

    def _watch(self, line: int) -> None:
        if self._wake is None:
            self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        wake = self._wake[1]

        def changed(channel: int) -> None:
            self._edges.append((channel, time.monotonic()))
            try:
                os.write(wake, b"e")
            except OSError:  # the pipe is full, so the guard wakes anyway; or it is closing
                return

        try:
            self._gpio.add_event_detect(line, self._gpio.FALLING, callback=changed)
        except Exception as error:  # as above
            raise PinError(
                f"line {line} gives no edges: {reason_of(error)}. Newer kernels need rpi-lgpio "
                "('edge-door[rpi5]') or backend = 'gpiod'."
            ) from error
