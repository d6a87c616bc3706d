"""One contract for every pin backend that can run here.

`gpiod` runs where a simulated chip is: load gpio-sim and set EDGE_DOOR_GPIO_CHIP (/dev/gpiochipN)
and EDGE_DOOR_GPIO_SIM (its folder in /sys); `./deploy/test.sh --emulated` does that in QEMU.
`rpi` and `jetson` run over a stand-in for their library, which knows no board but raises, warns
and calls back as the real ones do.
"""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
import types
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import pytest

from edge.door.pins import open_pins
from edge.door.pins.base import Pins
from edge.door.pins.fake import Board
from edge.door.settings import GuardSettings, InputPin, OutputPin
from edge.errors import PinError
from edge.vocabulary import Pull
from tests.support.guarding import guard_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

RELAY, LED, SWITCH, DATA = 17, 18, 22, 23


class Bench(Protocol):
    """What stands around the board: a voltmeter, a signal, and who else may claim its lines."""

    tells_of_other_programs: bool
    settings: GuardSettings

    def high(self, line: int) -> bool:
        """What an output puts out."""

    def put(self, line: int, *, high: bool) -> None:
        """Drive an input from outside."""


def settings_for(backend: str, run: Path, chip: str = "") -> GuardSettings:
    return guard_settings(
        run, backend=backend, chip=chip, peer_uid=0, relay=OutputPin(RELAY), lamps={}, inputs={}
    )


class FakeBench:
    tells_of_other_programs = True

    def __init__(self, run: Path) -> None:
        self.settings = settings_for("fake", run)
        self._board = Board(run)

    def high(self, line: int) -> bool:
        return self._board.changes(line)[-1].high

    def put(self, line: int, *, high: bool) -> None:
        self._board.set_input(line, high=high)


class SimBench:
    tells_of_other_programs = True

    def __init__(self, run: Path, chip: str, sim: str) -> None:
        self.settings = settings_for("gpiod", run, chip)
        self._sim = Path(sim)
        for line in (SWITCH, DATA):
            self.put(line, high=True)

    def high(self, line: int) -> bool:
        return (self._sim / f"sim_gpio{line}" / "value").read_text().strip() == "1"

    def put(self, line: int, *, high: bool) -> None:
        pull = "pull-up" if high else "pull-down"
        (self._sim / f"sim_gpio{line}" / "pull").write_text(pull)
        time.sleep(0.01)


class GpioModule(types.ModuleType):
    """The part of RPi.GPIO's and Jetson.GPIO's interface that the backend uses."""

    BCM, OUT, IN, FALLING = 11, 0, 1, 32
    PUD_OFF, PUD_DOWN, PUD_UP = 20, 21, 22
    pins = range(28)

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.mode: int | None = None
        self.directions: dict[int, int] = {}
        self.levels: dict[int, bool] = {}
        self.history: list[tuple[int, bool]] = []
        self.callbacks: dict[int, Callable[[int], None]] = {}
        self.busy: set[int] = set()

    def setmode(self, mode: int) -> None:
        self.mode = mode

    def setup(self, channel: int, direction: int, **options: int) -> None:
        assert self.mode == self.BCM
        assert set(options) <= ({"initial"} if direction == self.OUT else {"pull_up_down"})
        if channel not in self.pins:
            raise ValueError("The channel sent is invalid on a Raspberry Pi")
        if channel in self.busy:  # rpi-lgpio asks the kernel
            raise RuntimeError("'GPIO busy'")
        if self.directions.get(channel) == self.OUT:
            warnings.warn("This channel is already in use", RuntimeWarning, stacklevel=2)
        self.directions[channel] = direction
        if direction == self.OUT:
            self.output(channel, options["initial"])
        else:
            self.levels.setdefault(channel, options["pull_up_down"] == self.PUD_UP)

    def output(self, channel: int, level: int) -> None:
        if self.directions.get(channel) != self.OUT:
            raise RuntimeError("The GPIO channel has not been set up as an OUTPUT")
        self.levels[channel] = bool(level)
        self.history.append((channel, bool(level)))

    def input(self, channel: int) -> int:
        if channel not in self.directions:
            raise RuntimeError("You must setup() the GPIO channel first")
        return int(self.levels[channel])

    def add_event_detect(self, channel: int, edge: int, callback: Callable[[int], None]) -> None:
        assert edge == self.FALLING
        self.callbacks[channel] = callback

    def cleanup(self, channel: int) -> None:
        del self.directions[channel]
        self.callbacks.pop(channel, None)


class ModuleBench:
    tells_of_other_programs = False

    def __init__(self, run: Path, backend: str, gpio: GpioModule) -> None:
        self.settings = settings_for(backend, run)
        self.gpio = gpio

    def high(self, line: int) -> bool:
        return self.gpio.levels[line]

    def put(self, line: int, *, high: bool) -> None:
        fell = self.gpio.levels.get(line, True) and not high
        self.gpio.levels[line] = high
        if fell and line in self.gpio.callbacks:
            self.gpio.callbacks[line](line)


def install(monkeypatch: pytest.MonkeyPatch, backend: str) -> GpioModule:
    package = {"rpi": "RPi", "jetson": "Jetson"}[backend]
    gpio = GpioModule(f"{package}.GPIO")
    monkeypatch.setitem(sys.modules, package, types.ModuleType(package))
    monkeypatch.setitem(sys.modules, f"{package}.GPIO", gpio)
    return gpio


@pytest.fixture(params=["fake", "gpiod", "rpi", "jetson"])
def bench(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    if request.param == "fake":
        return FakeBench(tmp_path)
    if request.param == "gpiod":
        chip, sim = (os.environ.get(f"EDGE_DOOR_GPIO_{name}") for name in ("CHIP", "SIM"))
        if not chip or not sim:
            pytest.skip("no simulated chip; ./deploy/test.sh --emulated brings one in QEMU")
        return SimBench(tmp_path, chip, sim)
    return ModuleBench(tmp_path, request.param, install(monkeypatch, request.param))


@pytest.fixture
def pins(bench: Bench) -> Iterator[Pins]:
    with open_pins(bench.settings) as opened:
        yield opened


def switch(line: int, bench: Bench, *, active_high: bool = False) -> InputPin:
    # A Jetson sets no pull, and the simulated chip's belongs to the bench.
    pull = Pull.UP if bench.settings.backend in ("fake", "rpi") else Pull.OFF
    return InputPin(line, active_high, pull)


@pytest.mark.parametrize("active_high", [True, False])
def test_an_output_starts_and_follows(pins: Pins, bench: Bench, *, active_high: bool) -> None:
    pins.claim_output(OutputPin(RELAY, active_high), on=False)
    assert (pins.read(RELAY), bench.high(RELAY)) == (False, not active_high)
    pins.write(RELAY, on=True)
    assert (pins.read(RELAY), bench.high(RELAY)) == (True, active_high)
    pins.write(RELAY, on=False)
    assert (pins.read(RELAY), bench.high(RELAY)) == (False, not active_high)


def test_an_output_may_start_on(pins: Pins, bench: Bench) -> None:
    pins.claim_output(OutputPin(RELAY), on=True)
    assert bench.high(RELAY)


@pytest.mark.parametrize("active_high", [True, False])
def test_an_input_is_read(pins: Pins, bench: Bench, *, active_high: bool) -> None:
    bench.put(SWITCH, high=True)
    pins.claim_input(switch(SWITCH, bench, active_high=active_high))
    assert pins.read(SWITCH) is active_high
    bench.put(SWITCH, high=False)
    assert pins.read(SWITCH) is not active_high


def test_a_change_wakes_or_is_polled(pins: Pins, bench: Bench) -> None:
    bench.put(SWITCH, high=True)
    pins.claim_input(switch(SWITCH, bench))
    pins.edges()
    bench.put(SWITCH, high=False)
    if pins.poll_s is not None:
        assert pins.poll_s <= 0.02
        return
    assert select.select(pins.wakes(), [], [], 1.0)[0]
    assert pins.edges() == [], "only those that asked for edges get them"
    assert not select.select(pins.wakes(), [], [], 0)[0], "a change that was taken wakes no more"


def test_falls_are_kept_and_stamped(pins: Pins, bench: Bench) -> None:
    bench.put(DATA, high=True)
    pins.claim_input(switch(DATA, bench), edges=True)
    before = time.monotonic()
    for _ in range(3):
        bench.put(DATA, high=False)
        bench.put(DATA, high=True)
    assert select.select(pins.wakes(), [], [], 1.0)[0]
    edges = pins.edges()
    assert [edge.line for edge in edges] == [DATA] * 3
    stamps = [before, *(edge.at for edge in edges), time.monotonic()]
    assert stamps == sorted(stamps)
    assert pins.edges() == []


def test_a_line_has_one_use(pins: Pins, bench: Bench) -> None:
    pins.claim_output(OutputPin(RELAY), on=False)
    with pytest.raises(PinError, match="claimed already"):
        pins.claim_output(OutputPin(RELAY), on=False)
    with pytest.raises(PinError, match="claimed already"):
        pins.claim_input(switch(RELAY, bench))


def test_a_line_in_use_elsewhere_is_refused(pins: Pins, bench: Bench) -> None:
    if not bench.tells_of_other_programs:
        pytest.skip("RPi.GPIO writes past the kernel and cannot know; its docstring says so")
    pins.claim_output(OutputPin(RELAY), on=True)
    with open_pins(bench.settings) as others, pytest.raises(PinError, match=f"line {RELAY}"):
        others.claim_output(OutputPin(RELAY), on=False)
    assert bench.high(RELAY), "the refused one did not touch it"
    pins.close()
    with open_pins(bench.settings) as others:
        others.claim_output(OutputPin(RELAY), on=True)


def test_directions_are_kept(pins: Pins, bench: Bench) -> None:
    pins.claim_input(switch(SWITCH, bench))
    with pytest.raises(PinError, match="not claimed as an output"):
        pins.write(SWITCH, on=True)
    with pytest.raises(PinError, match="not claimed as an output"):
        pins.write(RELAY, on=True)
    with pytest.raises(PinError, match="not claimed"):
        pins.read(RELAY)


def test_closing_drives_off_and_frees(bench: Bench) -> None:
    pins = open_pins(bench.settings)
    pins.claim_output(OutputPin(RELAY), on=True)
    pins.claim_output(OutputPin(LED), on=True)
    pins.claim_input(switch(DATA, bench), edges=True)
    pins.close()
    pins.close()
    assert not bench.high(RELAY)
    assert not bench.high(LED)
    with pytest.raises(PinError):
        pins.write(RELAY, on=True)


def test_a_line_that_is_not_there(pins: Pins, bench: Bench) -> None:
    if bench.settings.backend == "fake":
        pytest.skip("the fake board has every line")
    with pytest.raises(PinError, match="line 400"):
        pins.claim_output(OutputPin(400), on=False)


# What only some backends can do wrong.


def test_an_unknown_backend(tmp_path: Path) -> None:
    with pytest.raises(PinError, match="use fake, rpi, jetson or gpiod"):
        open_pins(settings_for("abacus", tmp_path))


@pytest.mark.parametrize(
    ("backend", "advice"), [("rpi", "rpi5"), ("jetson", r"\[jetson\]"), ("gpiod", "gpiod")]
)
def test_a_missing_library_says_how_to_get_it(
    backend: str, advice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(
        sys.modules, {"rpi": "RPi.GPIO", "jetson": "Jetson.GPIO"}.get(backend, "gpiod"), None
    )
    with pytest.raises(PinError, match=advice):
        open_pins(settings_for(backend, tmp_path))


@pytest.mark.parametrize("where", ["/proc", "tmp"])
def test_a_library_that_makes_a_pipe_where_it_stands_imports_anywhere(
    where: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As lgpio does, which rpi-lgpio stands on; under systemd a process stands in `/`."""
    package = tmp_path / "packages" / "RPi"
    package.mkdir(parents=True)
    pipe = "import os\nos.mkfifo('.lgd-nfy0')\n"
    (package / "GPIO.py").write_text(f"{pipe}BCM = 11\n\n\ndef setmode(_): ...\n")
    monkeypatch.syspath_prepend(package.parent)
    for name in ("RPi", "RPi.GPIO"):
        monkeypatch.setitem(sys.modules, name, None)
        monkeypatch.delitem(sys.modules, name)
    folder = tmp_path if where == "tmp" else Path(where)
    monkeypatch.chdir(folder)
    open_pins(settings_for("rpi", tmp_path)).close()
    assert Path.cwd() == folder
    assert not (folder / ".lgd-nfy0").exists()


def test_gpiod_1_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old: Any = types.ModuleType("gpiod")
    old.line = types.ModuleType("gpiod.line")
    monkeypatch.setitem(sys.modules, "gpiod", old)
    monkeypatch.setitem(sys.modules, "gpiod.line", old.line)
    with pytest.raises(PinError, match="gpiod 2"):
        open_pins(settings_for("gpiod", tmp_path))


def test_a_chip_that_is_not_there(tmp_path: Path) -> None:
    pytest.importorskip("gpiod", reason="pip install 'edge-door[gpiod]'")
    settings = settings_for("gpiod", tmp_path, str(tmp_path / "gpiochip9"))
    with pytest.raises(PinError, match=r"gpiochip9.*gpiodetect"):
        open_pins(settings).claim_output(OutputPin(RELAY), on=False)


def test_a_board_that_is_not_a_pi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gpio = install(monkeypatch, "rpi")

    def refuse(mode: int) -> None:
        raise RuntimeError(f"This module can only be run on a Raspberry Pi! ({mode})")

    monkeypatch.setattr(gpio, "setmode", refuse)
    with pytest.raises(PinError, match=r"only be run on a Raspberry Pi.*gpiod"):
        open_pins(settings_for("rpi", tmp_path))


def test_rpi_lgpio_refuses_a_line_in_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gpio = install(monkeypatch, "rpi")
    gpio.busy.add(RELAY)
    with (
        open_pins(settings_for("rpi", tmp_path)) as pins,
        pytest.raises(PinError, match=r"GPIO busy.*Another program"),
    ):
        pins.claim_output(OutputPin(RELAY), on=False)


def test_a_line_left_driven_by_a_killed_guard_is_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpio = install(monkeypatch, "rpi")
    gpio.directions[RELAY], gpio.levels[RELAY] = gpio.OUT, True
    with open_pins(settings_for("rpi", tmp_path)) as pins:
        pins.claim_output(OutputPin(RELAY), on=False)
        assert gpio.history == [(RELAY, False)]


def test_a_jetson_sets_no_pull(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, "jetson")
    with (
        open_pins(settings_for("jetson", tmp_path)) as pins,
        pytest.raises(PinError, match="fit a resistor"),
    ):
        pins.claim_input(InputPin(SWITCH, pull=Pull.UP))


def test_a_kernel_without_edges_says_what_to_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpio = install(monkeypatch, "rpi")

    def refuse(*_: object, **__: object) -> None:
        raise RuntimeError("Failed to add edge detection")

    monkeypatch.setattr(gpio, "add_event_detect", refuse)
    with (
        open_pins(settings_for("rpi", tmp_path)) as pins,
        pytest.raises(PinError, match="rpi-lgpio"),
    ):
        pins.claim_input(InputPin(DATA), edges=True)


def test_a_board_that_fails_to_write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gpio = install(monkeypatch, "rpi")
    pins = open_pins(settings_for("rpi", tmp_path))
    pins.claim_output(OutputPin(RELAY), on=True)
    pins.claim_output(OutputPin(LED), on=True)
    written = gpio.output

    def fail(channel: int, level: int) -> None:
        if channel == RELAY:
            raise RuntimeError("bus error")
        written(channel, level)

    monkeypatch.setattr(gpio, "output", fail)
    with pytest.raises(PinError, match="line 17 cannot be driven: bus error"):
        pins.close()
    assert gpio.levels[LED] is False, "the other line went off all the same"
    assert gpio.directions == {}


# The board of the fake.


def test_the_trace_tells_who_drove_what(tmp_path: Path) -> None:
    board = Board(tmp_path)
    with open_pins(settings_for("fake", tmp_path)) as pins:
        pins.claim_output(OutputPin(RELAY, active_high=False), on=True)
    on, off = board.changes(RELAY)
    assert (on.high, on.on, off.high, off.on) == (False, True, True, False)
    assert {on.pid, off.pid} == {os.getpid()}
    assert board.pulses(RELAY) == [off.at - on.at]
    assert board.changes(LED) == []


def test_a_level_stays_when_its_process_is_gone(tmp_path: Path) -> None:
    """The worst kernel's behaviour: free, but still driven."""
    claim = (
        "import os, sys; from edge.door.pins import open_pins; "
        "from edge.door.settings import GuardSettings; "
        "settings = GuardSettings.from_json(sys.argv[1]); "
        "open_pins(settings).claim_output(settings.relay, on=True); os._exit(0)"
    )
    settings = settings_for("fake", tmp_path).to_json()
    subprocess.run([sys.executable, "-c", claim, settings], timeout=20, check=True)
    assert Board(tmp_path).on(RELAY)
    with open_pins(settings_for("fake", tmp_path)) as pins:
        pins.claim_output(OutputPin(RELAY), on=False)
    assert not Board(tmp_path).on(RELAY)


def test_a_long_trace_is_set_aside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.door.pins.fake.TRACE_BYTES", 500)
    with open_pins(settings_for("fake", tmp_path)) as pins:
        pins.claim_output(OutputPin(LED), on=False)
        for step in range(20):
            pins.write(LED, on=step % 2 == 0)
    assert (tmp_path / "fake-gpio.jsonl").stat().st_size < 700
    assert (tmp_path / "fake-gpio.jsonl.1").exists()


def test_more_changes_than_fit_lose_edges_but_no_level(tmp_path: Path) -> None:
    board = Board(tmp_path)
    with open_pins(settings_for("fake", tmp_path)) as pins:
        pins.claim_input(InputPin(DATA), edges=True)
        for _ in range(500):
            board.set_input(DATA, high=True)
            board.set_input(DATA, high=False)
        assert 0 < len(pins.edges()) < 500
        assert pins.read(DATA)
        assert pins.edges() == []


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    blocked = tmp_path / "run"
    blocked.write_text("a file, not a folder")
    with pytest.raises(PinError, match="cannot use"):
        open_pins(settings_for("fake", blocked)).claim_output(OutputPin(RELAY), on=False)
