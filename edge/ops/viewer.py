"""The live picture of `edge-door watch`: similarity, eyelids, verdict, hint."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.panel import Panel
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

_WIDTH = 72
_BARS = " ▁▂▃▄▅▆▇█"
_WIDE_OPEN = 0.45
"""Eyelid opening (height over width) at the top of the trace."""
_COLOURS = {"grant": "bold green", "deny": "bold red", "wait": "yellow"}
_HOLD = 30
"""Frames for which a final decision stays in view."""


class Viewer:
    """Keeps the last packets and draws them."""

    def __init__(self) -> None:
        self._eyes: deque[float] = deque(maxlen=_WIDTH)
        self._last: dict[str, Any] = {}
        self._comparison: dict[str, Any] = {}
        self._final: dict[str, Any] = {}
        self._final_left = 0

    def take(self, packet: dict[str, Any]) -> None:
        """One `seen` packet."""
        if packet.get("op") != "seen":
            return
        self._last = packet
        if "eyes" in packet:
            self._eyes.append(sum(packet["eyes"]) / 2)
        if "similarity" in packet:
            self._comparison = packet
        if packet["outcome"] != "wait":
            self._final, self._final_left = packet, _HOLD
        self._final_left -= 1
        if not packet["faces"]:
            self._eyes.clear()
            self._comparison = {}

    def __rich__(self) -> RenderableType:
        """Draw."""
        if not self._last:
            return Panel("waiting for sight ...", title="edge-door")
        shown = self._final if self._final_left > 0 else self._last
        verdict = Text(f"{shown['outcome'].upper()}  {shown['reason']}  {shown['hint']}")
        verdict.stylize(_COLOURS[shown["outcome"]])
        if self._last["instruction"]:
            verdict = Text(self._last["instruction"].upper(), "bold cyan")
        lines = [verdict, self._match_line(), Text(f"eyelids    {self._trace()}"), self._facts()]
        return Panel(Group(*lines), title="edge-door", width=_WIDTH + 16)

    def _match_line(self) -> Text:
        if not self._comparison:
            return Text("similarity -")
        similarity, threshold = self._comparison["similarity"], self._comparison["threshold"]
        mark = round(max(0.0, threshold) * 40)
        filled = round(max(0.0, similarity) * 40)
        bar = "".join("|" if i == mark else "█" if i < filled else "·" for i in range(41))
        person = self._comparison["person"] or "nobody"
        colour = "green" if similarity >= threshold else "red"
        return Text(f"similarity {bar} {similarity:.3f} (needs {threshold:.3f}) {person}", colour)

    def _trace(self) -> str:
        return "".join(_bars(self._eyes))

    def _facts(self) -> Text:
        last = self._last
        facts = f"faces {last['faces']}   track {last['track']}   blinks {last['blinks']}   "
        return Text(facts + f"liveness {last['liveness']}   {last['fps']:g} frames/s")


def _bars(values: Iterable[float]) -> Iterable[str]:
    top = len(_BARS) - 1
    for value in values:
        yield _BARS[min(top, max(0, round(value / _WIDE_OPEN * top)))]
