"""The live picture of `edge-door watch`: similarity, eyelids, verdict, hint."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from rich.console import Group
from rich.panel import Panel
from rich.text import Text

from edge.records import Outcome
from edge.words import why

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rich.console import RenderableType

    from edge.wire.messages import Seen

_WIDTH = 72
_BARS = " ▁▂▃▄▅▆▇█"
_WIDE_OPEN = 0.45
"""Eyelid opening (height over width) at the top of the trace."""
_COLOURS = {Outcome.GRANT: "bold green", Outcome.DENY: "bold red", Outcome.WAIT: "yellow"}
_HOLD = 30
"""Frames for which a final decision stays in view."""
NOTHING_SHOWN = (
    "sight shows nothing: is its camera delivering? `edge-door status` tells. After a change of "
    "the configuration: sudo systemctl restart edge-door.target"
)
"""What whoever looks on is told then."""


class Viewer:
    """Keeps what was seen last and draws it."""

    def __init__(self) -> None:
        self._eyes: deque[float] = deque(maxlen=_WIDTH)
        self._last: Seen | None = None
        self._compared: Seen | None = None
        self._final: Seen | None = None
        self._final_left = 0

    def take(self, seen: Seen) -> None:
        """What one frame showed."""
        self._last = seen
        if seen.eyes:
            self._eyes.append(sum(seen.eyes) / len(seen.eyes))
        if seen.similarity is not None:
            self._compared = seen
        if seen.outcome is not Outcome.WAIT:
            self._final, self._final_left = seen, _HOLD
        self._final_left -= 1
        if not seen.faces:
            self._eyes.clear()
            self._compared = None

    def __rich__(self) -> RenderableType:
        """Draw."""
        last = self._last
        if last is None:
            return Panel("waiting for sight ...", title="edge-door")
        shown = self._final if self._final and self._final_left > 0 else last
        top = Text(_verdict(shown), _COLOURS[shown.outcome])
        if last.instruction:
            top = Text(last.instruction.upper(), "bold cyan")
        lines = [top, self._match_line(), Text(f"eyelids    {self._trace()}"), _facts(last)]
        return Panel(Group(*lines), title="edge-door", width=_WIDTH + 16)

    def _match_line(self) -> Text:
        compared = self._compared
        if compared is None or compared.similarity is None or compared.threshold is None:
            return Text("similarity -")
        similarity, threshold = compared.similarity, compared.threshold
        mark = round(max(0.0, threshold) * 40)
        filled = round(max(0.0, similarity) * 40)
        bar = "".join("|" if i == mark else "█" if i < filled else "·" for i in range(41))
        person = compared.person or "nobody"
        colour = "green" if similarity >= threshold else "red"
        return Text(f"similarity {bar} {similarity:.3f} (needs {threshold:.3f}) {person}", colour)

    def _trace(self) -> str:
        return "".join(_bars(self._eyes))


def changes(frames: Iterable[Seen]) -> Iterator[str]:
    """A line whenever another thing is decided: for a file, where nothing can be drawn anew."""
    told = ""
    for seen in frames:
        said = _verdict(seen)
        if said != told:
            told = said
            alike = "" if seen.similarity is None else f", similarity {seen.similarity:.3f}"
            yield f"{said}{alike}"


def _verdict(shown: Seen) -> str:
    """What was decided, why, and what the person may do, as one sentence."""
    opening = {Outcome.GRANT: "Let in", Outcome.DENY: "Not let in", Outcome.WAIT: "Waiting"}
    told = why(shown.outcome, shown.reason)
    reason = f": {told}" if told else ""
    hint = f" ({shown.hint.value})" if shown.hint.value else ""
    return f"{opening[shown.outcome]}{reason}{hint}"


def _facts(last: Seen) -> Text:
    facts = f"faces {last.faces}   track {last.track}   blinks {last.blinks}   "
    return Text(facts + f"liveness {last.liveness.value}   {last.fps:g} frames/s")


def _bars(values: Iterable[float]) -> Iterable[str]:
    top = len(_BARS) - 1
    for value in values:
        yield _BARS[min(top, max(0, round(value / _WIDE_OPEN * top)))]
