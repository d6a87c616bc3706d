"""What the buzzer and the RGB LED show. Pure: a pattern and its age give the lamps that are on."""

from __future__ import annotations

from dataclasses import dataclass

from edge.wire.messages import Colour, Cue, Flash

_LAMPS = {
    Colour.OFF: frozenset[str](),
    Colour.RED: frozenset({"red"}),
    Colour.GREEN: frozenset({"green"}),
    Colour.BLUE: frozenset({"blue"}),
    Colour.YELLOW: frozenset({"red", "green"}),
    Colour.MAGENTA: frozenset({"red", "blue"}),
    Colour.CYAN: frozenset({"green", "blue"}),
    Colour.WHITE: frozenset({"red", "green", "blue"}),
}
MAX_STEPS, STEP_S = 32, (0.02, 10.0)
"""What one message may ask the lamps for: more than any challenge, less than an endless show."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Flashes one after the other, then again from the start, or dark."""

    flashes: tuple[Flash, ...]
    repeat: bool = False


OFF = Pattern(())
ALARM = Pattern((Flash(Colour.RED, 0.25, beep=True), Flash(Colour.OFF, 0.25)), repeat=True)
_TWINKLE = (Flash(Colour.WHITE, 0.4), Flash(Colour.OFF, 0.2))
_CALL = (Flash(Colour.CYAN, 0.3, beep=True), Flash(Colour.CYAN, 1.2))
_WELCOME = (Flash(Colour.GREEN, 0.3, beep=True), Flash(Colour.GREEN, 2.0))
_NO = (Flash(Colour.RED, 0.1, beep=True), Flash(Colour.OFF, 0.1))
PATTERNS = {
    Cue.OFF: OFF,
    Cue.LOOK_HERE: Pattern(_TWINKLE, repeat=True),
    Cue.CHALLENGE: Pattern(_CALL, repeat=True),
    Cue.GRANTED: Pattern(_WELCOME),
    Cue.DENIED: Pattern((*_NO * 3, Flash(Colour.RED, 1.0))),
}


def pattern_of(cue: Cue, steps: tuple[Flash, ...] = ()) -> Pattern | None:
    """The pattern of a cue, or of a challenge's own steps, which show once.

    None: there are too many steps, or one is too short or too long.
    """
    if not steps or cue is not Cue.CHALLENGE:
        return PATTERNS[cue]
    if len(steps) > MAX_STEPS or not all(STEP_S[0] <= s.seconds <= STEP_S[1] for s in steps):
        return None
    return Pattern(steps)


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
            return _LAMPS[flash.colour] | sound, flash.seconds - age
        age -= flash.seconds
    return frozenset(), 0.0  # rounding put the age on the very end
