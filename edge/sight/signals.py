"""What people at the door are shown: LED, buzzer, and over MQTT the words of a challenge.

Only changes are sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.records import Hint, Outcome
from edge.wire.messages import Colour, Cue, Flash

if TYPE_CHECKING:
    from edge.records import Decision, Evidence
    from edge.sight.doorside import Doorside
    from edge.sight.journal import Journal

SHOWN_S = 2.5
"""How long a verdict stays before waiting is shown again."""
_COLOURS = {
    "left": Colour.BLUE,
    "right": Colour.YELLOW,
    "up": Colour.WHITE,
    "closer": Colour.MAGENTA,
}
"""Turn left, turn right, look up, come closer; blinks are counted out in cyan flashes."""
_BLINKS = {"blink_twice": 2, "blink_thrice": 3}


class Signals:
    """Keeps what is shown now."""

    def __init__(self, door: Doorside, journal: Journal) -> None:
        self._door = door
        self._journal = journal
        self._instruction = ""
        self._shown: tuple[Cue, str] = (Cue.OFF, "")
        self._verdict_until = float("-inf")

    def show(self, decision: Decision, evidence: Evidence) -> None:
        """Show what one frame's decision means for the person."""
        at = evidence.captured_at
        self._say(evidence.liveness.instruction)
        if decision.outcome is not Outcome.WAIT:
            self._verdict_until = at + SHOWN_S
            granted = decision.outcome is Outcome.GRANT
            self._send(Cue.GRANTED if granted else Cue.DENIED, "")
        elif at < self._verdict_until:
            return
        elif decision.hint is Hint.CHALLENGE:
            self._send(Cue.CHALLENGE, evidence.liveness.move)
        else:
            self._send(Cue.LOOK_HERE if evidence.faces else Cue.OFF, "")

    def _say(self, instruction: str) -> None:
        if instruction != self._instruction:
            self._instruction = instruction
            self._journal.keep({"instruction": instruction})

    def _send(self, cue: Cue, move: str) -> None:
        if (cue, move) != self._shown:
            self._shown = (cue, move)
            self._door.signal(cue, steps_for(move))


def steps_for(move: str) -> tuple[Flash, ...]:
    """The flashes that ask for one move of a challenge; empty for no move."""
    if not move:
        return ()
    flash = Flash(_COLOURS.get(move, Colour.CYAN), 0.3, beep=True)
    rounds = (flash, Flash(Colour.OFF, 0.3)) * _BLINKS.get(move, 1)
    return (*rounds, Flash(Colour.OFF, 0.9))
