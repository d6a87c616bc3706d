"""Figures of the running daemon, and one frame's evidence as a packet for those who watch."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from edge.records import Decision, Evidence, Match
    from edge.wire.channel import Message

_REMEMBERED = 300  # frames: about ten seconds


class Figures:
    """Frame rate, and the time from a frame's arrival to its decision."""

    def __init__(self) -> None:
        self._captured: deque[float] = deque(maxlen=_REMEMBERED)
        self._taken: deque[float] = deque(maxlen=_REMEMBERED)

    def stepped(self, captured_at: float, decided_at: float) -> None:
        """One frame is done; both stamps are monotonic seconds."""
        self._captured.append(captured_at)
        self._taken.append(decided_at - captured_at)

    @property
    def fps(self) -> float:
        """Frames judged a second."""
        if len(self._captured) < 2:  # noqa: PLR2004 - an interval has two ends
            return 0.0
        return (len(self._captured) - 1) / max(self._captured[-1] - self._captured[0], 1e-6)

    def metrics(self) -> dict[str, float]:
        """For MQTT: `decision_ms` (median), `decision_p99_ms`, `fps`."""
        if not self._taken:
            return {}
        median, p99 = np.percentile(list(self._taken), [50, 99]) * 1000
        return {
            "decision_ms": round(float(median), 1),
            "decision_p99_ms": round(float(p99), 1),
            "fps": round(self.fps, 1),
        }


def seen(evidence: Evidence, match: Match | None, decision: Decision, figures: Figures) -> Message:
    """What one frame showed and what was decided, without pixels and embeddings."""
    packet: Message = {
        "op": "seen",
        "at": evidence.captured_at,
        "faces": evidence.faces,
        "track": evidence.track,
        "outcome": decision.outcome.value,
        "reason": decision.reason.value,
        "hint": decision.hint.value,
        "liveness": evidence.liveness.state.value,
        "blinks": evidence.liveness.blinks,
        "instruction": evidence.liveness.instruction,
        "fps": round(figures.fps, 1),
    }
    if evidence.eyes is not None:
        packet["eyes"] = [round(evidence.eyes.right, 3), round(evidence.eyes.left, 3)]
    if match is not None:
        packet["person"] = match.person
        packet["similarity"] = round(match.similarity, 3)
        packet["threshold"] = round(match.threshold, 3)
    return packet
