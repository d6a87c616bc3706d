"""What people at the door are shown: LED, buzzer, and over MQTT the words of a challenge.

Only changes are sent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.records import Hint, Outcome

if TYPE_CHECKING:
    from edge.records import Decision, Evidence
    from edge.sight.doorside import Doorside
    from edge.sight.journal import Journal
    from edge.wire.channel import Message

SHOWN_S = 2.5
"""How long a verdict stays before waiting is shown again."""
_COLOURS = {"left": "blue", "right": "yellow", "up": "white", "closer": "magenta"}
"""Turn left, turn right, look up, come closer; blinks are counted out in cyan flashes."""
_BLINKS = {"blink_twice": 2, "blink_thrice": 3}


class Signals:
    """Keeps what is shown now."""

    def __init__(self, door: Doorside, journal: Journal) -> None:
        self._door = door
        self._journal = journal
        self._instruction = ""
        self._shown: tuple[str, str] = ("off", "")
        self._verdict_until = float("-inf")

    def show(self, decision: Decision, evidence: Evidence) -> None:
        """Show what one frame's decision means for the person."""
        at = evidence.captured_at
        self._say(evidence.liveness.instruction)
        if decision.outcome is not Outcome.WAIT:
            self._verdict_until = at + SHOWN_S
            granted = decision.outcome is Outcome.GRANT
            self._send("granted" if granted else "denied", "")
        elif at < self._verdict_until:
            return
        elif decision.hint is Hint.CHALLENGE:
            self._send("challenge", evidence.liveness.move)
        else:
            self._send("look_here" if evidence.faces else "off", "")

    def _say(self, instruction: str) -> None:
        if instruction != self._instruction:
            self._instruction = instruction
            self._journal.keep({"instruction": instruction})

    def _send(self, pattern: str, move: str) -> None:
        if (pattern, move) != self._shown:
            self._shown = (pattern, move)
            self._door.signal(pattern, steps_for(move))


def steps_for(move: str) -> list[Message]:
    """The flashes that ask for one move of a challenge; empty for no move."""
    if not move:
        return []
    flash = {"colour": _COLOURS.get(move, "cyan"), "ms": 300, "beep": True}
    pause = {"colour": "off", "ms": 300, "beep": False}
    return [flash, pause] * _BLINKS.get(move, 1) + [{**pause, "ms": 900}]
