"""`[door]`: the lock, its pins and its times."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, model_validator
from typing_extensions import Self

from edge.config.section import Number, OnOff, Section, Whole
from edge.vocabulary import Pull, Reader, ReaderKind, RelockOn

Pin = Annotated[Whole, Field(ge=0, le=511)]

PI_UNSAFE = frozenset((*range(9), 14))
"""On a Raspberry Pi, GPIO 0-8 are pulled up until software runs and GPIO 14 pulses at boot."""


class InputSection(Section):
    """A switch on one line. The usual wiring is a switch to ground with the line pulled up."""

    pin: Pin | None = None
    """The line; unset: not fitted."""
    active_high: OnOff = False
    """True where the line is high while the switch's meaning holds."""
    pull: Pull = Pull.UP
    """`up`, `down` or `off` (an outside resistor; the only choice on a Jetson)."""


class ContactSection(InputSection):
    """The door contact; its meaning is "closed", so a cut wire reads as an open door."""


class RexSection(InputSection):
    """The exit button (request to exit); its meaning is "pressed"."""


class TamperSection(InputSection):
    """The case's tamper loop, normally closed to ground; its meaning is "opened"."""

    active_high: OnOff = True
    """True: an opened or cut loop lets the line go high."""


class FireSection(InputSection):
    """The fire panel's contact, normally closed to ground; its meaning is "free exit"."""

    active_high: OnOff = True
    """True: an opened or cut loop lets the line go high, and the door is free."""


class InterlockSection(InputSection):
    """The other door of an interlock; its meaning is "not closed and locked"."""

    active_high: OnOff = True
    """True: a cut wire reads as "the other door is open", and this one stays shut."""
    busy_pin: Pin | None = None
    """Line that tells the other door the same of this one."""
    busy_active_high: OnOff = True
    """False where the other end takes a low line for "not closed and locked"."""
    settle_s: Number = Field(0.2, ge=0.05, le=2.0)
    """How long our claim stands on the wire before we unlock, seconds. Longer than the other
    door's `debounce_s`."""


class WiegandSection(Section):
    """A Wiegand 26 or 34 card reader."""

    d0_pin: Pin | None = None
    """Data 0, through a level shifter: readers speak 5 V. Unset: not fitted."""
    d1_pin: Pin | None = None
    """Data 1."""

    def readers(self) -> Iterator[Reader]:
        """What is fitted."""
        if self.d0_pin is not None and self.d1_pin is not None:
            yield Reader(ReaderKind.WIEGAND, (self.d0_pin, self.d1_pin))


class KeypadSection(Section):
    """A keypad: a matrix on lines of its own, or one on a serial port. `#` ends a PIN."""

    row_pins: tuple[Pin, ...] = ()
    """Four lines, top row first; unset: not fitted."""
    column_pins: tuple[Pin, ...] = ()
    """Three or four lines, left column first."""
    serial: Path | None = None
    """Serial device of a keypad that sends ASCII digits and `#`, such as /dev/ttyUSB0."""
    baud: Literal[1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200] = 9600
    """Speed of the serial keypad."""

    def readers(self) -> Iterator[Reader]:
        """What is fitted."""
        if self.row_pins:
            lines = self.row_pins + self.column_pins
            yield Reader(ReaderKind.MATRIX, lines, columns=len(self.column_pins))
        if self.serial is not None:
            yield Reader(ReaderKind.SERIAL, device=str(self.serial), baud=self.baud)

    @model_validator(mode="after")
    def _whole_matrix(self) -> Self:
        rows, columns = len(self.row_pins), len(self.column_pins)
        if (rows, columns) not in ((0, 0), (4, 3), (4, 4)):
            raise ValueError(f"a keypad has 4 rows and 3 or 4 columns, not {rows} and {columns}")
        return self


RFID_BAUD = 9600
"""Of RDM6300 and its kin, which have no other."""


class RfidSection(Section):
    """A card reader on USB or on a serial line."""

    device: Path | None = None
    """Event device of a USB reader that types like a keyboard; /dev/input/by-id/... keeps its name
    over restarts. Unset: not fitted."""
    serial: Path | None = None
    """Serial device of a 125 kHz reader such as RDM6300 (9600 baud). Unset: not fitted."""

    def readers(self) -> Iterator[Reader]:
        """What is fitted."""
        if self.device is not None:
            yield Reader(ReaderKind.WEDGE, device=str(self.device))
        if self.serial is not None:
            yield Reader(ReaderKind.SERIAL_CARD, device=str(self.serial), baud=RFID_BAUD)


class DoorSection(Section):
    """Pins are BCM numbers on a Pi and a Jetson, and line offsets of `chip` with `gpiod`."""

    backend: Literal["fake", "rpi", "jetson", "gpiod"] = "fake"
    """Which library drives the pins. `fake` drives nothing and keeps the same rules."""
    chip: str = "/dev/gpiochip0"
    """Character device, for `gpiod`."""
    lock: Literal["fail-secure", "fail-safe", "maglock", "motor"] = "fail-secure"
    """`fail-secure`: power unlocks it. `fail-safe`, `maglock`: power locks it, so a power cut opens
    it. `motor`: one line drives it open, a second one shut, and it stays where it is."""
    relay_pin: Pin = 17
    """The line of the lock's relay; of a motor lock, the line that drives it open."""
    relay_active_high: OnOff = True
    """False for relay boards that switch on when the line is low."""
    relay_contact: Literal["NO", "NC"] | None = None
    """Which contact of the relay feeds the lock. Unset: NC for fail-safe locks and maglocks, so
    that the relay is off while locked and a crash leaves the door locked; NO for the others. NO
    with a fail-safe lock or maglock: a crash of the guard opens the door."""
    relock_pin: Pin | None = None
    """The line that drives a motor lock shut."""
    motor_run_s: Number = Field(1.0, ge=0.1, le=10.0)
    """How long a motor lock is driven each way, seconds."""
    pulse_s: Number = Field(3.0, ge=0.1, le=30.0)
    """How long one grant energises the relay, seconds."""
    relock: RelockOn = RelockOn.TIME
    """`time`: at the end of the pulse. `open`, `close`: when the door opens or has closed again,
    if that is sooner."""
    open_grace_s: Number = Field(1.0, ge=0.0, le=10.0)
    """An opening so soon after relocking still belongs to the grant, seconds."""
    held_open_s: Number = Field(30.0, ge=1.0, le=3600.0)
    """A door open for longer than this is held open: event and alarm, seconds."""
    debounce_s: Number = Field(0.03, ge=0.0, le=0.5)
    """An input must be steady for so long to count, seconds."""
    contact: ContactSection = Field(default_factory=ContactSection)
    rex: RexSection = Field(default_factory=RexSection)
    tamper: TamperSection = Field(default_factory=TamperSection)
    fire: FireSection = Field(default_factory=FireSection)
    interlock: InterlockSection = Field(default_factory=InterlockSection)
    buzzer_pin: Pin | None = None
    """Line of a buzzer that sounds while it is powered."""
    led_red_pin: Pin | None = None
    """Line of the RGB LED's red part."""
    led_green_pin: Pin | None = None
    """Line of the RGB LED's green part."""
    led_blue_pin: Pin | None = None
    """Line of the RGB LED's blue part."""
    lamps_active_high: OnOff = True
    """False for a common-anode LED and a buzzer that sounds while its line is low."""
    wiegand: WiegandSection = Field(default_factory=WiegandSection)
    keypad: KeypadSection = Field(default_factory=KeypadSection)
    rfid: RfidSection = Field(default_factory=RfidSection)
    peer_user: str | None = None
    """The one user whose processes may ask the guard to unlock. Unset: the guard's own user."""
    watchdog_device: Path | None = None
    """Kernel watchdog to feed, such as /dev/watchdog: it resets a board whose kernel hangs."""

    @property
    def relay_on_unlocks(self) -> bool:
        """Whether an energised relay means unlocked."""
        power_locks = self.lock in ("fail-safe", "maglock")
        contact = self.relay_contact or ("NC" if power_locks else "NO")
        return power_locks == (contact == "NC")

    def uses(self) -> list[tuple[str, int]]:
        """Every line in use, with the key that names it."""
        named: list[tuple[str, int | None]] = [
            ("relay_pin", self.relay_pin),
            ("relock_pin", self.relock_pin),
            ("contact.pin", self.contact.pin),
            ("rex.pin", self.rex.pin),
            ("tamper.pin", self.tamper.pin),
            ("fire.pin", self.fire.pin),
            ("interlock.pin", self.interlock.pin),
            ("interlock.busy_pin", self.interlock.busy_pin),
            ("buzzer_pin", self.buzzer_pin),
            ("led_red_pin", self.led_red_pin),
            ("led_green_pin", self.led_green_pin),
            ("led_blue_pin", self.led_blue_pin),
            ("wiegand.d0_pin", self.wiegand.d0_pin),
            ("wiegand.d1_pin", self.wiegand.d1_pin),
            *(("keypad.row_pins", pin) for pin in self.keypad.row_pins),
            *(("keypad.column_pins", pin) for pin in self.keypad.column_pins),
        ]
        return [(key, pin) for key, pin in named if pin is not None]

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        mistakes = [
            *self._shared_pins(),
            *self._unsafe_pins(),
            *self._misfits(),
            *self._unfit_inputs(),
            *self._halves(),
        ]
        if mistakes:
            raise ValueError("; ".join(mistakes))
        return self

    def unsafe_on_a_pi(self) -> Iterator[str]:
        """Which line of the lock a Raspberry Pi moves by itself, and which to take instead."""
        for key, pin in (("relay_pin", self.relay_pin), ("relock_pin", self.relock_pin)):
            if pin in PI_UNSAFE:
                why = "pulses at boot" if pin == 14 else "is pulled up at boot"
                yield (
                    f"{key}: GPIO {pin} {why} on a Raspberry Pi and could open the door; "
                    "use 9-13 or 15-27"
                )

    def readers(self) -> Iterator[Reader]:
        """The card readers and keypads that are fitted."""
        for section in (self.wiegand, self.keypad, self.rfid):
            yield from section.readers()

    def _shared_pins(self) -> Iterator[str]:
        seen: dict[int, str] = {}
        for key, pin in self.uses():
            if pin in seen:
                yield f"{seen[pin]} and {key} are both {pin}, give each a line of its own"
            seen[pin] = key

    def _unsafe_pins(self) -> Iterator[str]:
        # The fake keeps the Pi's rule, so that a configuration tried with it moves to a Pi as is.
        if self.backend in ("rpi", "fake"):
            yield from self.unsafe_on_a_pi()

    def _misfits(self) -> Iterator[str]:
        motor = self.lock == "motor"
        if motor and self.relock_pin is None:
            yield "lock = 'motor' needs relock_pin, the line that drives it shut"
        if not motor and self.relock_pin is not None:
            yield f"relock_pin is for a motor lock, remove it or say lock = 'motor' ({self.lock})"
        if motor and self.motor_run_s > self.pulse_s:
            yield "motor_run_s must not be longer than pulse_s"
        if self.relay_contact == "NC" and self.lock in ("fail-secure", "motor"):
            yield (
                f"relay_contact = 'NC' opens a {self.lock} lock whenever the relay is off, "
                "use the relay's NO contact"
            )

    def _unfit_inputs(self) -> Iterator[str]:
        if self.interlock.settle_s <= self.debounce_s:
            yield "interlock.settle_s must be longer than debounce_s"
        inputs = (self.contact, self.rex, self.tamper, self.fire, self.interlock)
        pulled = any(each.pin is not None and each.pull is not Pull.OFF for each in inputs)
        if self.backend == "jetson" and pulled:
            yield "a Jetson cannot set pulls, fit resistors and say pull = 'off' for each input"

    def _halves(self) -> Iterator[str]:
        if self.relock is not RelockOn.TIME and self.contact.pin is None:
            yield f"relock = {self.relock.value!r} needs a door contact, set contact.pin"
        if (self.interlock.pin is None) != (self.interlock.busy_pin is None):
            yield "an interlock needs both interlock.pin and interlock.busy_pin"
        if (self.wiegand.d0_pin is None) != (self.wiegand.d1_pin is None):
            yield "a Wiegand reader needs both wiegand.d0_pin and wiegand.d1_pin"
