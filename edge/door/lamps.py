"""What the buzzer and the RGB LED show. Pure: a pattern and its age give the lamps that are on."""

from __future__ import annotations

from dataclasses import dataclass

COLOURS = {
    "off": frozenset[str](),
    "red": frozenset({"red"}),
    "green": frozenset({"green"}),
    "blue": frozenset({"blue"}),
    "yellow": frozenset({"red", "green"}),
    "magenta": frozenset({"red", "blue"}),
    "cyan": frozenset({"green", "blue"}),
    "white": frozenset({"red", "green", "blue"}),
}
MAX_STEPS = 32
STEP_MS = (20, 10_000)


@dataclass(frozen=True, slots=True)
class Flash:
    """One colour for a while, with or without the buzzer."""

    colour: str
    seconds: float
    beep: bool = False


@dataclass(frozen=True, slots=True)
class Pattern:
    """Flashes one after the other, then again from the start, or dark."""

    flashes: tuple[Flash, ...]
    repeat: bool = False


OFF = Pattern(())
PATTERNS = {
    "off": OFF,
    "wait": Pattern((Flash("blue", 0.2), Flash("off", 0.8)), repeat=True),
    "look_here": Pattern((Flash("white", 0.4), Flash("off", 0.2)), repeat=True),
    "granted": Pattern((Flash("green", 0.3, beep=True), Flash("green", 2.0))),
    "denied": Pattern((Flash("red", 0.1, beep=True), Flash("off", 0.1)) * 3 + (Flash("red", 1.0),)),
    "challenge": Pattern((Flash("cyan", 0.3, beep=True), Flash("cyan", 1.2)), repeat=True),
    "alarm": Pattern((Flash("red", 0.25, beep=True), Flash("off", 0.25)), repeat=True),
}


def challenge(steps: object) -> Pattern | None:
    """A pattern from `[{"colour": "cyan", "ms": 400, "beep": true}, ...]`; None: it is not one."""
    if not isinstance(steps, list) or not 0 < len(steps) <= MAX_STEPS:
        return None
    flashes = []
    for step in steps:
        if not isinstance(step, dict):
            return None
        colour, ms = step.get("colour"), step.get("ms")
        if not isinstance(colour, str) or colour not in COLOURS:
            return None
        if isinstance(ms, bool) or not isinstance(ms, int):
            return None
        if not STEP_MS[0] <= ms <= STEP_MS[1]:
            return None
        flashes.append(Flash(colour, ms / 1000, beep=step.get("beep") is True))
    return Pattern(tuple(flashes))


def lit(pattern: Pattern, age: float) -> tuple[frozenset[str], float | None]:
    """Which of `red`, `green`, `blue`, `buzzer` are on at `age` seconds, and when that changes.

    The second value is the seconds until the next change; None: never.
    """
    length = sum(flash.seconds for flash in pattern.flashes)
    if not pattern.flashes or (age >= length and not pattern.repeat):
        return frozenset(), None
    age %= length
    for flash in pattern.flashes:
        if age < flash.seconds:
            sound = {"buzzer"} if flash.beep else frozenset[str]()
            return COLOURS[flash.colour] | sound, flash.seconds - age
        age -= flash.seconds
    return frozenset(), 0.0  # rounding put the age on the very end
