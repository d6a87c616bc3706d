"""What people at the door are shown: LED, buzzer, and over MQTT the words of a challenge.

Only changes are sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.records import Hint, Move, Outcome
from edge.wire.messages import Colour, Cue, Flash

if TYPE_CHECKING:
    from edge.records import Decision, Evidence
    from edge.sight.doorside import Doorside
    from edge.sight.journal import Journal

SHOWN_S = 2.5
"""How long a verdict stays before waiting is shown again."""
_SHORT_S, _LONG_S, _GAP_S, _REST_S = 0.25, 0.7, 0.25, 1.2
_RHYTHMS: dict[Move, tuple[Colour, tuple[float, ...]]] = {
    Move.LEFT: (Colour.BLUE, (_LONG_S,)),
    Move.RIGHT: (Colour.YELLOW, (_LONG_S, _LONG_S)),
    Move.UP: (Colour.WHITE, (_SHORT_S, _LONG_S)),
    Move.CLOSER: (Colour.MAGENTA, (_LONG_S, _SHORT_S)),
    Move.BLINK_TWICE: (Colour.CYAN, (_SHORT_S, _SHORT_S)),
    Move.BLINK_THRICE: (Colour.CYAN, (_SHORT_S, _SHORT_S, _SHORT_S)),
}
"""Each move has a colour and a rhythm of its own, lamp and buzzer together: whoever cannot see it
hears it, and the other way round. The guide's page on liveness has them as a table."""


class Signals:
    """Keeps what is shown now."""

    def __init__(self, door: Doorside, journal: Journal) -> None:
        self._door = door
        self._journal = journal
        self._instruction = ""
        self._shown: tuple[Cue, Move | None] = (Cue.OFF, None)
        self._verdict_until = float("-inf")

    def show(self, decision: Decision, evidence: Evidence) -> None:
        """Show what one frame's decision means for the person."""
        at = evidence.captured_at
        self._say(evidence.liveness.instruction)
        if decision.outcome is not Outcome.WAIT:
            self._verdict_until = at + SHOWN_S
            granted = decision.outcome is Outcome.GRANT
            self._send(Cue.GRANTED if granted else Cue.DENIED)
        elif at < self._verdict_until:
            return
        elif decision.hint is Hint.CHALLENGE:
            self._send(Cue.CHALLENGE, evidence.liveness.move)
        else:
            self._send(Cue.LOOK_HERE if evidence.faces else Cue.OFF)

    def _say(self, instruction: str) -> None:
        if instruction != self._instruction:
            self._instruction = instruction
            self._journal.keep({"instruction": instruction})

    def _send(self, cue: Cue, move: Move | None = None) -> None:
        if (cue, move) != self._shown:
            self._shown = (cue, move)
            self._door.signal(cue, steps_for(move))


def steps_for(move: Move | None) -> tuple[Flash, ...]:
    """The flashes and beeps that ask for one move of a challenge; empty for no move."""
    if move is None:
        return ()
    colour, lengths = _RHYTHMS[move]
    beats = ((Flash(colour, length, beep=True), Flash(Colour.OFF, _GAP_S)) for length in lengths)
    return (*(flash for beat in beats for flash in beat), Flash(Colour.OFF, _REST_S))
